#include "coordinator/server/fact_router.h"

#include <gtest/gtest.h>

#include <deque>

namespace fusor {
namespace {

constexpr SessionId kSession{1};
constexpr AttemptId kAttempt{7};
constexpr WorkerId kWorker{3};
const TrialKey kTrial{{1}, 0, 5};

struct FakeQueue : MetricsQueue {
  std::deque<MetricsBatch> batches;
  bool full = false;
  bool Push(MetricsBatch batch) override {
    if (full) return false;
    batches.push_back(std::move(batch));
    return true;
  }
};

Fact Evaluation(std::uint64_t number) {
  return {number, EvaluationFact{10, 1, 0, {{"val/accuracy", 0.5}}}};
}
Fact Checkpoint(std::uint64_t number) { return {number, CheckpointFact{10, {}}}; }
Fact Progress(std::uint64_t number) { return {number, ProgressFact{1, 2, 0, "train"}}; }
Fact Final(std::uint64_t number) { return {number, FinalFact{}}; }
Fact Started(std::uint64_t number) { return {number, StartedFact{}}; }

FactsMessage Message(std::vector<Fact> facts, std::uint32_t rank = 0) {
  return {kAttempt, rank, std::move(facts)};
}

PutAttempt Row(AttemptState state, std::uint32_t number = 1) {
  PutAttempt row;
  row.id = kAttempt;
  row.trial = kTrial;
  row.number = number;
  row.state = state;
  row.slots = {{kWorker, 0}};
  return row;
}

PutWorker WorkerRow(const std::string& uid, WorkerId id) {
  PutWorker row;
  row.id = id;
  row.info.uid = uid;
  return row;
}

class FactRouterTest : public testing::Test {
 protected:
  void Welcome(SessionId session, const std::string& uid = "w") {
    router_.OnHello(session, uid);
    router_.OnSend(SendToWorker{session, WelcomeMessage{}});
  }
  void Grant(std::uint32_t number = 1) {
    router_.OnWrite(WorkerRow("w", kWorker));
    router_.OnWrite(Row(AttemptState::kGranted, number));
  }
  // What the core is told, or nullptr.
  static const FactsStored* Stored(const FactRouter::Verdict& verdict) {
    return verdict.event ? std::get_if<FactsStored>(&*verdict.event) : nullptr;
  }
  static bool Fenced(const FactRouter::Verdict& verdict) {
    return Stored(verdict) != nullptr && Stored(verdict)->number == 0;
  }
  // As the metrics thread does after its commit.
  FactRouter::Verdict CommitOne() {
    MetricsBatch batch = std::move(queue_.batches.front());
    queue_.batches.pop_front();
    StoredBatch stored{
        batch.facts.attempt, batch.facts.rank, batch.facts.facts.back().number, {}, {}};
    for (Fact& fact : batch.facts.facts) {
      if (IsCoreFact(fact.body)) stored.core_facts.push_back(std::move(fact));
    }
    return router_.OnStored(std::move(stored));
  }

  FakeQueue queue_;
  Stats stats_;
  FactRouter router_{queue_, stats_};
};

TEST_F(FactRouterTest, CoreFactsAloneGoStraightToTheCore) {
  Welcome(kSession);
  Grant();
  const auto verdict = router_.OnFacts(kSession, Message({Started(1), Evaluation(2), Final(3)}));
  ASSERT_NE(Stored(verdict), nullptr);
  EXPECT_EQ(Stored(verdict)->number, 3U);
  EXPECT_EQ(Stored(verdict)->core_facts.size(), 3U);
  EXPECT_TRUE(queue_.batches.empty());
}

TEST_F(FactRouterTest, EvaluationsArePointsUnlessTheAttemptEndsAtOnce) {
  Welcome(kSession);
  Grant();
  EXPECT_EQ(Stored(router_.OnFacts(kSession, Message({Started(1), Evaluation(2)}))), nullptr);
  ASSERT_EQ(queue_.batches.size(), 1U);
  (void)CommitOne();
  EXPECT_EQ(Stored(router_.OnFacts(kSession, Message({Evaluation(3), Final(4)}))), nullptr);
  EXPECT_EQ(queue_.batches.size(), 1U);
}

TEST_F(FactRouterTest, CoreFactsWaitForWhatIsBeforeThem) {
  Welcome(kSession);
  Grant();
  EXPECT_EQ(Stored(router_.OnFacts(kSession, Message({Progress(1)}))), nullptr);
  EXPECT_EQ(Stored(router_.OnFacts(kSession, Message({Final(2)}))), nullptr);
  ASSERT_EQ(queue_.batches.size(), 2U);
  auto first = CommitOne();
  ASSERT_NE(Stored(first), nullptr);
  EXPECT_EQ(Stored(first)->number, 1U);
  EXPECT_TRUE(Stored(first)->core_facts.empty());
  auto second = CommitOne();
  ASSERT_NE(Stored(second), nullptr);
  EXPECT_EQ(Stored(second)->number, 2U);
  EXPECT_EQ(Stored(second)->core_facts.size(), 1U);
  // What is in metrics.db at all is there to the end.
  EXPECT_EQ(Stored(router_.OnFacts(kSession, Message({Final(3)}))), nullptr);
}

TEST_F(FactRouterTest, AnAttemptThatTakesOverTellsMetricsFirst) {
  Welcome(kSession);
  Grant(2);
  EXPECT_EQ(Stored(router_.OnFacts(kSession, Message({Started(1)}))), nullptr);
  ASSERT_EQ(queue_.batches.size(), 1U);
}

TEST_F(FactRouterTest, ARepeatIsTrimmedAndAnswered) {
  Welcome(kSession);
  Grant();
  (void)router_.OnFacts(kSession, Message({Checkpoint(1), Checkpoint(2)}));
  const auto repeat = router_.OnFacts(kSession, Message({Checkpoint(1), Checkpoint(2)}));
  ASSERT_NE(Stored(repeat), nullptr);
  EXPECT_EQ(Stored(repeat)->number, 2U);
  EXPECT_TRUE(Stored(repeat)->core_facts.empty());
  const auto overlap = router_.OnFacts(kSession, Message({Checkpoint(2), Checkpoint(3)}));
  ASSERT_NE(Stored(overlap), nullptr);
  ASSERT_EQ(Stored(overlap)->core_facts.size(), 1U);
  EXPECT_EQ(Stored(overlap)->core_facts[0].number, 3U);
}

TEST_F(FactRouterTest, ARepeatOfWhatIsOnItsWayIsAnsweredOnTheNewStream) {
  constexpr SessionId kSecond{2};
  Welcome(kSession);
  Grant();
  (void)router_.OnFacts(kSession, Message({Progress(1)}));
  router_.OnClosed(kSession);
  Welcome(kSecond);
  const auto repeat = router_.OnFacts(kSecond, Message({Progress(1)}));
  EXPECT_FALSE(repeat.event || repeat.close);
  const auto stored = CommitOne();
  ASSERT_NE(Stored(stored), nullptr);
  EXPECT_EQ(Stored(stored)->session, kSecond);
}

TEST_F(FactRouterTest, AGapClosesTheStream) {
  Welcome(kSession);
  Grant();
  EXPECT_TRUE(router_.OnFacts(kSession, Message({Checkpoint(2)})).close);
  EXPECT_TRUE(router_.OnFacts(kSession, Message({Checkpoint(1), Checkpoint(3)})).close);
  EXPECT_TRUE(router_.OnFacts(kSession, Message({})).close);
}

TEST_F(FactRouterTest, WhoHasNoStandingReachesNeitherStore) {
  Grant();
  EXPECT_TRUE(Fenced(router_.OnFacts(kSession, Message({Progress(1)}))));  // no Hello
  router_.OnHello(kSession, "w");
  EXPECT_TRUE(Fenced(router_.OnFacts(kSession, Message({Progress(1)}))));  // not welcome
  Welcome(kSession, "other");
  router_.OnWrite(WorkerRow("other", {9}));
  EXPECT_TRUE(Fenced(router_.OnFacts(kSession, Message({Progress(1)}))));  // not its attempt
  Welcome(kSession);
  EXPECT_TRUE(Fenced(router_.OnFacts(kSession, Message({Progress(1)}, 1))));  // no such rank
  EXPECT_FALSE(Fenced(router_.OnFacts(kSession, Message({Progress(1)}))));
  EXPECT_EQ(queue_.batches.size(), 1U);
  EXPECT_EQ(stats_.facts_fenced.load(), 4U);
}

TEST_F(FactRouterTest, AnEndedAttemptIsFencedWithWhatIsOnItsWay) {
  Welcome(kSession);
  Grant();
  (void)router_.OnFacts(kSession, Message({Progress(1)}));
  EXPECT_FALSE(queue_.batches[0].fence->fenced.load());
  router_.OnWrite(Row(AttemptState::kLost));
  EXPECT_TRUE(queue_.batches[0].fence->fenced.load());
  EXPECT_TRUE(Fenced(router_.OnFacts(kSession, Message({Progress(2)}))));
  EXPECT_FALSE(CommitOne().event);
}

TEST_F(FactRouterTest, AfterARestartTheCursorsAreAsked) {
  Snapshot snapshot;
  snapshot.workers = {WorkerRow("w", kWorker)};
  snapshot.live_attempts = {Row(AttemptState::kRunning)};
  snapshot.cursors = {{kAttempt, 0, 4}};
  router_.Restore(snapshot);
  Welcome(kSession);
  // Even core facts alone: what is before them is not known here.
  EXPECT_EQ(Stored(router_.OnFacts(kSession, Message({Checkpoint(5)}))), nullptr);
  ASSERT_EQ(queue_.batches.size(), 1U);
  EXPECT_TRUE(queue_.batches[0].check_floor);
  EXPECT_EQ(queue_.batches[0].floor, 4U);
  EXPECT_NE(Stored(CommitOne()), nullptr);
  EXPECT_EQ(Stored(router_.OnFacts(kSession, Message({Checkpoint(6)}))), nullptr);
}

TEST_F(FactRouterTest, ARefusedRunBeginsAgain) {
  Snapshot snapshot;
  snapshot.workers = {WorkerRow("w", kWorker)};
  snapshot.live_attempts = {Row(AttemptState::kRunning)};
  router_.Restore(snapshot);
  Welcome(kSession);
  (void)router_.OnFacts(kSession, Message({Progress(9)}));
  const auto verdict = router_.OnStored({kAttempt, 0, 0, {}, "facts are missing"});
  ASSERT_TRUE(verdict.close);
  EXPECT_EQ(verdict.close->session, kSession);
  (void)router_.OnFacts(kSession, Message({Progress(1)}));
  EXPECT_TRUE(queue_.batches.back().check_floor);
}

TEST_F(FactRouterTest, AFullQueueClosesTheStreamAndLosesNothing) {
  Welcome(kSession);
  Grant();
  queue_.full = true;
  EXPECT_TRUE(router_.OnFacts(kSession, Message({Progress(1)})).close);
  queue_.full = false;
  EXPECT_FALSE(router_.OnFacts(kSession, Message({Progress(1), Progress(2)})).close);
  ASSERT_EQ(queue_.batches.size(), 1U);
  EXPECT_EQ(queue_.batches[0].facts.facts.size(), 2U);
  EXPECT_GT(queue_.batches[0].bytes, 2 * sizeof(Fact));
}

}  // namespace
}  // namespace fusor
