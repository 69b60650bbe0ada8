// Facts: once, in order, from the right worker; checkpoints, objectives, rows.

#include "tests/unit/core/world_fixture.h"

namespace fusor {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

CheckpointFact CheckpointOf(std::int64_t step) {
  return {.step = step,
          .files = {{"checkpoint/state", "sha-" + std::to_string(step), 10},
                    {"checkpoint/data", "shb-" + std::to_string(step), 20}}};
}

class FactsTest : public CoreTest {
 protected:
  void Start(const SweepSpec& spec = SweepOf(1)) {
    n1 = Connect(CpuWorker("n1", 1));
    Submit(spec);
    attempt = LiveOf("1.t.0");
  }
  std::vector<std::int64_t> CheckpointSteps() const {
    std::set<std::int64_t> steps;
    for (const auto& [id, row] : tables.artifacts) {
      if (row.kind == "checkpoint") steps.insert(row.step);
    }
    return {steps.begin(), steps.end()};
  }
  SessionId n1;
  AttemptId attempt;
};

TEST_F(FactsTest, AreAcknowledgedWithTheirCursorInTheSameTurn) {
  Start();
  Report(n1, attempt, {StartedFact{}, EvaluationFact{.step = 1, .values = {{"loss", 2.0}}}});
  const auto acks = SentOf<AckMessage>();
  ASSERT_THAT(acks, SizeIs(1));
  EXPECT_EQ(acks[0].second.number, 2u);
  EXPECT_EQ(tables.cursors.at({attempt, 0}), 2u);
  EXPECT_EQ(tables.attempts.at(attempt).state, AttemptState::kRunning);
  EXPECT_THAT(tables.evaluations, SizeIs(1));
}

TEST_F(FactsTest, ARepeatIsAcknowledgedButNotApplied) {
  Start();
  FactsStored stored{.session = n1, .attempt = attempt, .number = 1};
  stored.core_facts = {{1, EvaluationFact{.step = 1, .values = {{"loss", 2.0}}}}};
  Turn(stored);
  Turn(stored);
  EXPECT_THAT(tables.evaluations, SizeIs(1));
  EXPECT_THAT(SentOf<AckMessage>(), SizeIs(1));
  EXPECT_THAT(written, IsEmpty());
}

TEST_F(FactsTest, AnOverlappingBatchAppliesOnlyWhatIsNew) {
  Start();
  FactsStored stored{.session = n1, .attempt = attempt, .number = 1};
  stored.core_facts = {{1, EvaluationFact{.step = 1, .values = {{"loss", 2.0}}}}};
  Turn(stored);
  stored.core_facts.push_back({3, EvaluationFact{.step = 2, .values = {{"loss", 1.0}}}});
  stored.number = 5;
  Turn(stored);
  EXPECT_THAT(tables.evaluations, SizeIs(2));
  EXPECT_EQ(tables.cursors.at({attempt, 0}), 5u);
}

TEST_F(FactsTest, FactsBeyondWhatIsStoredWait) {
  Start();
  FactsStored stored{.session = n1, .attempt = attempt, .number = 1};
  stored.core_facts = {{2, FinalFact{}}};
  Turn(stored);
  EXPECT_EQ(StateOf("1.t.0"), TrialState::kRunning);
}

TEST_F(FactsTest, CursorsOutliveARestart) {
  Start();
  Report(n1, attempt, {EvaluationFact{.step = 1, .values = {{"loss", 2.0}}}});
  Restart();
  const SessionId back = Connect(CpuWorker("n1", 1), {attempt});
  FactsStored stored{.session = back, .attempt = attempt, .number = 2};
  stored.core_facts = {{1, EvaluationFact{.step = 1, .values = {{"loss", 2.0}}}}, {2, FinalFact{}}};
  Turn(stored);
  EXPECT_THAT(tables.evaluations, SizeIs(1));
  EXPECT_EQ(StateOf("1.t.0"), TrialState::kSucceeded);
}

TEST_F(FactsTest, OfAnAttemptThatIsOverAreDropped) {
  Start();
  End(n1, attempt);
  Report(n1, attempt, {EvaluationFact{}});
  const auto stops = SentOf<StopMessage>();
  ASSERT_THAT(stops, SizeIs(1));
  EXPECT_EQ(stops[0].second.mode, StopMode::kDrop);
  EXPECT_THAT(SentOf<AckMessage>(), IsEmpty());
  EXPECT_THAT(written, IsEmpty());
}

TEST_F(FactsTest, FromAWorkerThatDoesNotRunItAreDropped) {
  Start();
  const SessionId n2 = Connect(CpuWorker("n2", 1));
  FactsStored stored{.session = n2, .attempt = attempt, .number = 1};
  stored.core_facts = {{1, FinalFact{}}};
  Turn(stored);
  EXPECT_EQ(StateOf("1.t.0"), TrialState::kRunning);
  ASSERT_THAT(SentOf<StopMessage>(), SizeIs(1));
  EXPECT_EQ(SentOf<StopMessage>()[0].first, n2);
}

TEST_F(FactsTest, OfARankThatDoesNotExistAreDropped) {
  Start();
  Report(n1, attempt, {FinalFact{}}, 7);
  EXPECT_EQ(StateOf("1.t.0"), TrialState::kRunning);
  EXPECT_THAT(SentOf<StopMessage>(), SizeIs(1));
}

TEST_F(FactsTest, ThatAreStoredCountThoughTheirStreamHasEnded) {
  Start();
  Disconnect(n1);
  FactsStored stored{.session = n1, .attempt = attempt, .number = 1};
  stored.core_facts = {{1, FinalFact{}}};
  Turn(stored);
  EXPECT_EQ(StateOf("1.t.0"), TrialState::kSucceeded);
  EXPECT_EQ(tables.cursors.at({attempt, 0}), 1u);
  EXPECT_THAT(sent, IsEmpty()) << "nobody is there to hear the acknowledgement";
  stored.attempt = AttemptId{99};
  Turn(stored);
  EXPECT_THAT(written, IsEmpty());
}

TEST_F(FactsTest, AGapOnTheStreamEndsIt) {
  Start();
  FactsMessage message{.attempt = attempt};
  message.facts = {{2, FinalFact{}}};
  Say(n1, message);
  EXPECT_EQ(StateOf("1.t.0"), TrialState::kRunning);
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_TRUE(std::holds_alternative<CloseStream>(sent[0]));
  message.facts = {{1, LogFact{}}, {2, FinalFact{}}};
  Say(n1, message);
  EXPECT_EQ(StateOf("1.t.0"), TrialState::kSucceeded);
}

TEST_F(FactsTest, TheBestObjectiveIsKept) {
  SweepSpec spec = SweepOf(1);
  spec.objective = {"val/accuracy", true};
  Start(spec);
  const auto evaluate = [&](std::int64_t step, double value) {
    Report(n1, attempt, {EvaluationFact{.step = step, .values = {{"val/accuracy", value}}}});
  };
  evaluate(1, 0.4);
  evaluate(2, 0.6);
  evaluate(3, 0.5);
  evaluate(4, std::numeric_limits<double>::quiet_NaN());
  EXPECT_TRUE(RowOf("1.t.0").has_objective);
  EXPECT_EQ(RowOf("1.t.0").objective, 0.6);
  EXPECT_EQ(RowOf("1.t.0").objective_step, 2);
  EXPECT_EQ(RowOf("1.t.0").step, 4);
}

// An attempt evaluates 0.4 at step 5 and 0.9 at step 15, crashes, and is taken over from step 10.
class TakeoverTest : public FactsTest {
 protected:
  TakeoverTest() {
    SweepSpec spec = SweepOf(1);
    spec.objective = {"val/accuracy", true};
    Start(spec);
    Report(n1, attempt, {StartedFact{}, Evaluated(5, 0.4), CheckpointOf(10), Evaluated(15, 0.9)});
    EXPECT_EQ(RowOf("1.t.0").objective, 0.9);
  }
  static EvaluationFact Evaluated(std::int64_t step, double value) {
    return {.step = step, .values = {{"val/accuracy", value}}};
  }
  void CrashAndStartAgain() {
    End(n1, LiveOf("1.t.0"), Crashed());
    Beat(n1, {});
    Pass(seconds(4));  // longer than the back-off
    ASSERT_THAT(Starts(), SizeIs(1));
  }
};

TEST_F(TakeoverTest, WhatIsBehindItIsNoObjectiveAnyMore) {
  CrashAndStartAgain();
  EXPECT_EQ(RowOf("1.t.0").objective, 0.9) << "it may never come to start";
  const AttemptId second = LiveOf("1.t.0");
  Report(n1, second, {StartedFact{.resumed_from_step = 10}});
  EXPECT_EQ(RowOf("1.t.0").objective, 0.4);
  EXPECT_EQ(RowOf("1.t.0").objective_step, 5);
  Report(n1, second, {Evaluated(15, 0.7)});
  EXPECT_EQ(RowOf("1.t.0").objective, 0.7);
  EXPECT_EQ(RowOf("1.t.0").objective_step, 15);
}

// Its best model was evaluated before and is again: one value, not two.
TEST_F(TakeoverTest, WhatIsEvaluatedAgainTakesTheEarliersPlace) {
  CrashAndStartAgain();
  const AttemptId second = LiveOf("1.t.0");
  Report(n1, second, {StartedFact{.resumed_from_step = 10}, Evaluated(5, 0.4), Evaluated(15, 0.7)});
  std::vector<bool> again;
  for (const PutEvaluation& row : tables.evaluations) {
    if (row.attempt == second) again.push_back(row.again);
  }
  EXPECT_EQ(again, (std::vector<bool>{true, false}));
}

TEST_F(TakeoverTest, FromTheBeginningNothingIsLeft) {
  CrashAndStartAgain();
  Report(n1, LiveOf("1.t.0"), {StartedFact{.resumed_from_step = -1}});
  EXPECT_FALSE(RowOf("1.t.0").has_objective);
}

TEST_F(TakeoverTest, ARestartForgetsNoneOfIt) {
  Restart();
  n1 = Connect(CpuWorker("n1", 1), {attempt});
  CrashAndStartAgain();
  Report(n1, LiveOf("1.t.0"), {StartedFact{.resumed_from_step = 10}});
  EXPECT_EQ(RowOf("1.t.0").objective, 0.4);
  Restart();
  n1 = Connect(CpuWorker("n1", 1), {LiveOf("1.t.0")});
  CrashAndStartAgain();
  Report(n1, LiveOf("1.t.0"), {StartedFact{.resumed_from_step = 3}});
  EXPECT_FALSE(RowOf("1.t.0").has_objective);
}

TEST_F(FactsTest, TheFirstAttemptFixesTheThreadCount) {
  Start();
  Report(n1, attempt, {StartedFact{.info = {{"threads", "3"}, {"host", "a\"b"}}}});
  EXPECT_EQ(tables.attempts.at(attempt).info, R"({"host":"a\"b","threads":"3"})");
  End(n1, attempt, Crashed());
  Pass(seconds(1));
  ASSERT_THAT(Starts(), SizeIs(1));
  EXPECT_EQ(Starts()[0].threads, 3);
}

TEST_F(FactsTest, TheLogTailOfAFailureIsKeptInBounds) {
  Start();
  FinalFact fact{.outcome = Crashed()};
  for (int line = 0; line < 100; ++line) fact.log_tail.push_back("line " + std::to_string(line));
  fact.log_tail.back() = std::string(1 << 20, 'x');
  Report(n1, attempt, {fact});
  const std::string& tail = tables.attempts.at(attempt).log_tail;
  EXPECT_TRUE(tail.starts_with("line 50\n"));
  EXPECT_LT(tail.size(), limits::kLogLineBytesMax + 1'000);
}

// --- Checkpoints
// ------------------------------------------------------------------------------------

TEST_F(FactsTest, OnlyTheNewestCheckpointsAreKept) {
  Start();
  for (const std::int64_t step : {10, 20, 30}) Report(n1, attempt, {CheckpointOf(step)});
  EXPECT_THAT(CheckpointSteps(), ElementsAre(20, 30));
  EXPECT_THAT(tables.artifacts, SizeIs(4));
}

TEST_F(FactsTest, TheNextAttemptGoesOnFromTheNewestCheckpoint) {
  Start();
  Report(n1, attempt, {CheckpointOf(10), CheckpointOf(20)});
  End(n1, attempt, Crashed());
  Pass(seconds(1));
  ASSERT_THAT(Starts(), SizeIs(1));
  EXPECT_EQ(Starts()[0].resume, CheckpointOf(20));
}

TEST_F(FactsTest, TwoCrashesSoonAfterOneCheckpointFallBackToTheOneBefore) {
  SweepSpec spec = SweepOf(1);
  spec.stages[0].retry.crashes = 5;
  Start(spec);
  Report(n1, attempt, {CheckpointOf(10), CheckpointOf(20)});
  for (int crash = 0; crash < 3; ++crash) {
    End(n1, LiveOf("1.t.0"), Crashed());
    Pass(seconds(4));
    ASSERT_THAT(Starts(), SizeIs(1));
    // The first crash was not of an attempt that resumed from a checkpoint.
    EXPECT_EQ(Starts()[0].resume, CheckpointOf(crash < 2 ? 20 : 10));
  }
  EXPECT_THAT(CheckpointSteps(), ElementsAre(10));
  EXPECT_THAT(EventsOf("checkpoint_condemned"), SizeIs(1));
  Report(n1, LiveOf("1.t.0"), {CheckpointOf(20)});
  EXPECT_THAT(CheckpointSteps(), ElementsAre(10, 20));
}

TEST_F(FactsTest, ProgressBeyondACheckpointAcquitsIt) {
  SweepSpec spec = SweepOf(1);
  spec.stages[0].retry.crashes = 5;
  Start(spec);
  Report(n1, attempt, {CheckpointOf(10)});
  for (int crash = 0; crash < 4; ++crash) {
    End(n1, LiveOf("1.t.0"), Crashed());
    Beat(n1, {});
    Pass(seconds(8));
    ASSERT_THAT(Starts(), SizeIs(1));
    EXPECT_EQ(Starts()[0].resume, CheckpointOf(10 + crash));
    Report(n1, LiveOf("1.t.0"), {CheckpointOf(11 + crash)});
  }
  EXPECT_THAT(EventsOf("checkpoint_condemned"), IsEmpty());
}

TEST_F(FactsTest, ProgressAcquitsItOverARestartToo) {
  SweepSpec spec = SweepOf(1);
  spec.stages[0].retry.crashes = 5;
  Start(spec);
  Report(n1, attempt, {CheckpointOf(10)});
  for (int crash = 0; crash < 3; ++crash) {
    End(n1, LiveOf("1.t.0"), Crashed());
    Beat(n1, {});
    Pass(seconds(8));
    const AttemptId next = LiveOf("1.t.0");
    Report(n1, next, {StartedFact{.resumed_from_step = 10 + crash}, CheckpointOf(11 + crash)});
    Restart();
    n1 = Connect(CpuWorker("n1", 1), {next});
  }
  EXPECT_THAT(EventsOf("checkpoint_condemned"), IsEmpty());
}

TEST_F(FactsTest, CheckpointsOutliveARestart) {
  Start();
  Report(n1, attempt, {StartedFact{}, CheckpointOf(10), CheckpointOf(20)});
  Restart();
  const SessionId back = Connect(CpuWorker("n1", 1), {attempt});
  End(back, attempt, Crashed());
  Pass(seconds(1));
  ASSERT_THAT(Starts(), SizeIs(1));
  EXPECT_EQ(Starts()[0].resume, CheckpointOf(20));
  Report(back, LiveOf("1.t.0"), {CheckpointOf(30)});
  EXPECT_THAT(CheckpointSteps(), ElementsAre(20, 30));
}

TEST_F(FactsTest, SenselessCheckpointsAreIgnored) {
  Start();
  Report(n1, attempt,
         {CheckpointFact{.step = -5, .files = {{"a", "b", 1}}}, CheckpointFact{.step = 3}});
  EXPECT_THAT(tables.artifacts, IsEmpty());
}

}  // namespace
}  // namespace fusor
