// The engine's turn and the loop around it, with a store that can fail.

#include "coordinator/server/loop.h"

#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <set>

#include "coordinator/spec/parse.h"

namespace fusor {
namespace {

constexpr std::chrono::seconds kPatience{20};

class FakeClock : public Clock {
 public:
  Time Now() const override { return FromUnixMillis(millis.load()); }
  std::atomic<std::int64_t> millis{1'000'000'000};
};

class FakeStore : public StateStore {
 public:
  Status Commit(std::span<const Write> writes) override {
    const std::lock_guard lock(mu);
    ++commits;
    if (failing) return ResourceExhausted("the disk is full");
    stored += writes.size();
    last = writes.size();
    if (cleanup_slices > 0) --cleanup_slices;
    return Ok();
  }
  Result<Snapshot> Load(ParseSpec) override { return Snapshot{}; }
  std::string cluster_id() const override { return "test"; }
  std::uint64_t generation() const override { return 1; }
  bool was_clean() const override { return true; }
  bool has_cleanup() const override { return cleanup_slices > 0; }
  Status ForgetGarbage(std::span<const std::string> sha256s) override {
    forgotten.insert(sha256s.begin(), sha256s.end());
    return Ok();
  }
  std::uint64_t wal_bytes() const override { return 0; }
  ReadDoor read_door() override { return {}; }
  Status Close() override { return Ok(); }

  mutable std::mutex mu;
  bool failing = false;
  int commits = 0;
  std::size_t stored = 0;
  std::size_t last = 0;
  std::atomic<int> cleanup_slices{0};
  std::set<std::string> forgotten;
};

struct NoMetrics : MetricsQueue {
  bool Push(MetricsBatch) override { return false; }
};

// What went out, as text, in order.
class FakeOutbox : public Outbox {
 public:
  void ToWorker(SessionId session, std::vector<CoordinatorMessage> messages) override {
    std::string text = "to " + std::to_string(session.value) + ":";
    for (const CoordinatorMessage& message : messages)
      text += " " + std::to_string(message.index());
    Note(text);
  }
  void Close(SessionId session, const std::string&) override {
    Note("close " + std::to_string(session.value));
  }
  void Answer(const Reply& reply) override {
    Note("answer " + std::to_string(reply.call.value) + " " +
         std::string(CodeName(reply.status.code())));
  }
  void OnCommitted(const Committed& committed) override {
    last_event = committed.last_event;
    Note("committed");
  }

  void Note(const std::string& text) {
    const std::lock_guard lock(mu);
    log.push_back(text);
  }
  std::vector<std::string> Log() {
    const std::lock_guard lock(mu);
    return log;
  }

  std::mutex mu;
  std::vector<std::string> log;
  EventId last_event;
};

Event Submit(std::uint64_t call) {
  const SpecReport report = ParseSweep("name: a\nstages:\n  p: {recipe: probe}\n");
  EXPECT_TRUE(report.spec);
  return SubmitSweep{{{call}, "", ""}, std::make_shared<SweepSpec>(*report.spec), "", {}};
}

WorkerMessages Hello(std::uint64_t session, const std::string& uid, int slots) {
  HelloMessage hello;
  hello.info.uid = uid;
  hello.info.name = uid;
  hello.info.incarnation = 1;
  hello.info.precisions = {"fp32"};
  for (int i = 0; i < slots; ++i) {
    SlotInfo slot;
    slot.index = static_cast<std::uint32_t>(i);
    slot.memory_gib = 4;
    slot.disk_gib = 10;
    hello.info.slots.push_back(slot);
  }
  return {{session}, {hello}};
}

std::unique_ptr<Core> MakeCore() {
  CoreOptions options;
  options.cluster_id = "test";
  options.lease_length = Duration(15'000);
  options.heartbeat_every = Duration(3'000);
  options.start_deadline = Duration(60'000);
  return std::make_unique<Core>(options);
}

class EngineTest : public testing::Test {
 protected:
  Status Turn(std::vector<Input> inputs) { return engine_.Turn(inputs, now_); }

  Time now_ = FromUnixMillis(1'000'000'000);
  FakeStore store_;
  NoMetrics metrics_;
  FakeOutbox outbox_;
  Stats stats_;
  Engine engine_{MakeCore(), Snapshot{}, {&store_, &metrics_, &outbox_, &stats_}};
};

TEST_F(EngineTest, OneMessagePerWorkerAndTurn) {
  std::vector<Input> inputs;
  for (std::uint64_t i = 1; i <= 3; ++i) inputs.emplace_back(Submit(i));
  ASSERT_TRUE(Turn(std::move(inputs)).ok());
  EXPECT_EQ(outbox_.log,
            (std::vector<std::string>{"answer 1 OK", "answer 2 OK", "answer 3 OK", "committed"}));
  outbox_.log.clear();
  std::vector<Input> hello;
  hello.emplace_back(Event(StreamOpened{{7}}));
  hello.emplace_back(Hello(7, "w", 2));
  ASSERT_TRUE(Turn(std::move(hello)).ok());
  // The welcome and both starts travel together, control first.
  EXPECT_EQ(outbox_.log, (std::vector<std::string>{"to 7: 0 3 3", "committed"}));
  EXPECT_TRUE(outbox_.last_event);
}

TEST_F(EngineTest, NothingFollowsTheEndOfAStream) {
  std::vector<Input> inputs;
  inputs.emplace_back(Event(StreamOpened{{7}}));
  inputs.emplace_back(Hello(7, "w", 1));
  inputs.emplace_back(Hello(7, "w", 1));
  inputs.emplace_back(Submit(1));
  ASSERT_TRUE(Turn(std::move(inputs)).ok());
  const std::vector<std::string> log = outbox_.log;
  const auto close = std::find(log.begin(), log.end(), "close 7");
  ASSERT_NE(close, log.end());
  EXPECT_EQ(*(close - 1), "to 7: 0");
}

TEST_F(EngineTest, AFailedCommitSendsNothingUntilItSucceeds) {
  store_.failing = true;
  std::vector<Input> inputs;
  inputs.emplace_back(Submit(1));
  bool asked = false;
  inputs.emplace_back(Query{[&](const Core* core, Time) {
    asked = true;
    EXPECT_EQ(core, nullptr);
  }});
  EXPECT_EQ(Turn(std::move(inputs)).code(), Code::kResourceExhausted);
  EXPECT_TRUE(engine_.frozen());
  EXPECT_TRUE(asked);
  EXPECT_TRUE(outbox_.log.empty());
  EXPECT_FALSE(engine_.Retry(now_).ok());
  EXPECT_TRUE(outbox_.log.empty());
  store_.failing = false;
  ASSERT_TRUE(engine_.Retry(now_).ok());
  EXPECT_FALSE(engine_.frozen());
  EXPECT_EQ(outbox_.log, (std::vector<std::string>{"answer 1 OK", "committed"}));
  EXPECT_EQ(store_.stored, store_.last);
  EXPECT_EQ(store_.stored, 2U);  // the sweep and its event
}

TEST_F(EngineTest, QuestionsAreAnsweredAfterTheCommit) {
  std::vector<Input> inputs;
  std::uint64_t sweeps = 0;
  std::size_t stored = 0;
  inputs.emplace_back(Query{[&](const Core* core, Time) {
    ASSERT_NE(core, nullptr);
    sweeps = core->View().sweeps.size();
    stored = store_.stored;
  }});
  inputs.emplace_back(Submit(1));
  ASSERT_TRUE(Turn(std::move(inputs)).ok());
  EXPECT_EQ(sweeps, 1U);
  EXPECT_GT(stored, 0U);
}

TEST_F(EngineTest, CleanupIsDoneInTurnsOfItsOwn) {
  store_.cleanup_slices = 2;
  ASSERT_TRUE(Turn({}).ok());
  EXPECT_TRUE(engine_.has_cleanup());
  ASSERT_TRUE(Turn({}).ok());
  EXPECT_FALSE(engine_.has_cleanup());
  ASSERT_TRUE(Turn({}).ok());
  EXPECT_EQ(store_.commits, 2);
  std::vector<Input> inputs;
  inputs.emplace_back(GarbageCollected{{"abc"}});
  ASSERT_TRUE(Turn(std::move(inputs)).ok());
  EXPECT_TRUE(store_.forgotten.contains("abc"));
}

class LoopTest : public testing::Test {
 protected:
  LoopTest() {
    options_.retry_first = std::chrono::milliseconds(1);
    options_.retry_max = std::chrono::milliseconds(5);
    options_.on_frozen = [this] { ++frozen_calls_; };
  }
  ~LoopTest() override {
    if (loop_) loop_->Stop();
  }

  void Start() {
    auto engine = std::make_unique<Engine>(MakeCore(), Snapshot{},
                                           Engine::Parts{&store_, &metrics_, &outbox_, &stats_});
    loop_ = std::make_unique<Loop>(options_, std::move(engine), clock_, stats_, health_);
    loop_->Start();
  }

  void SetFailing(bool failing) {
    const std::lock_guard lock(store_.mu);
    store_.failing = failing;
  }

  template <class Condition>
  void Await(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();
    }
  }

  // The loop's time, asked by a question.
  std::optional<Time> LoopNow() {
    std::promise<std::optional<Time>> answer;
    EXPECT_TRUE(loop_->Post(Query{[&](const Core* core, Time now) {
                              answer.set_value(core == nullptr ? std::nullopt : std::optional(now));
                            }},
                            Admission::kAlways));
    auto future = answer.get_future();
    EXPECT_EQ(future.wait_for(kPatience), std::future_status::ready);
    return future.get();
  }

  Loop::Options options_;
  FakeClock clock_;
  FakeStore store_;
  NoMetrics metrics_;
  FakeOutbox outbox_;
  Stats stats_;
  Health health_;
  std::atomic<int> frozen_calls_{0};
  std::unique_ptr<Loop> loop_;
};

TEST_F(LoopTest, FreezesAndThawsWithTimeStandingStill) {
  Start();
  const Time before = LoopNow().value();
  SetFailing(true);
  ASSERT_TRUE(loop_->Post(Submit(1), Admission::kIfRoom));
  Await([&] { return !health_.serving(); });
  EXPECT_NE(health_.Reason().find("the disk is full"), std::string::npos);
  clock_.millis += 1'000'000;
  EXPECT_EQ(LoopNow(), std::nullopt);  // refused, not kept waiting
  EXPECT_TRUE(outbox_.Log().empty());
  Await([&] { return frozen_calls_.load() >= 1; });
  ASSERT_TRUE(loop_->Post(Submit(2), Admission::kIfRoom));  // waits for its turn
  SetFailing(false);
  Await([&] { return health_.serving(); });
  Await([&] { return outbox_.Log().size() >= 4; });
  EXPECT_EQ(outbox_.Log(),
            (std::vector<std::string>{"answer 1 OK", "committed", "answer 2 OK", "committed"}));
  const Time after = LoopNow().value();
  EXPECT_LT(after - before, Duration(1'000));
  clock_.millis += 4'000;
  EXPECT_GE(LoopNow().value() - after, Duration(4'900));  // it catches up
}

TEST_F(LoopTest, QuestionsBehindAFailedTurnAreRefusedAtOnce) {
  options_.turn_max = 1;  // what comes together is done in several turns
  Start();
  SetFailing(true);
  std::promise<void> entered;
  std::promise<void> leave;
  ASSERT_TRUE(loop_->Post(Query{[&](const Core*, Time) {
                            entered.set_value();
                            leave.get_future().wait();
                          }},
                          Admission::kIfRoom));
  entered.get_future().wait();
  std::promise<bool> refused;
  ASSERT_TRUE(loop_->Post(Submit(1), Admission::kIfRoom));
  ASSERT_TRUE(
      loop_->Post(Query{[&](const Core* core, Time) { refused.set_value(core == nullptr); }},
                  Admission::kIfRoom));
  ASSERT_TRUE(loop_->Post(Submit(2), Admission::kIfRoom));
  leave.set_value();
  auto answer = refused.get_future();
  ASSERT_EQ(answer.wait_for(kPatience), std::future_status::ready);
  EXPECT_TRUE(answer.get());
  EXPECT_FALSE(health_.serving());
  SetFailing(false);
  Await([&] { return outbox_.Log().size() >= 4; });
  EXPECT_EQ(outbox_.Log(),
            (std::vector<std::string>{"answer 1 OK", "committed", "answer 2 OK", "committed"}));
}

TEST_F(LoopTest, AFullQueueRefusesWhatItMayAndPausesReaders) {
  options_.queue_max = 3;
  Start();
  std::promise<void> entered;
  std::promise<void> leave;
  ASSERT_TRUE(loop_->Post(Query{[&](const Core*, Time) {
                            entered.set_value();
                            leave.get_future().wait();
                          }},
                          Admission::kIfRoom));
  entered.get_future().wait();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(loop_->Post(Event(Tick{}), Admission::kIfRoom));
  EXPECT_FALSE(loop_->Post(Event(Tick{}), Admission::kIfRoom));
  EXPECT_TRUE(loop_->Post(Event(Tick{}), Admission::kAlways));
  std::atomic<bool> went_on{false};
  EXPECT_TRUE(loop_->PauseUntilDrained([&] { went_on = true; }));
  EXPECT_FALSE(went_on.load());
  leave.set_value();
  Await([&] { return went_on.load(); });
  EXPECT_FALSE(loop_->PauseUntilDrained([] {}));
}

TEST_F(LoopTest, StopTakesWhatWaitsAndNothingAfterIt) {
  Start();
  for (std::uint64_t i = 1; i <= 100; ++i) {
    ASSERT_TRUE(loop_->Post(Submit(i), Admission::kIfRoom));
  }
  loop_->Stop();
  std::size_t answers = 0;
  for (const std::string& line : outbox_.Log()) answers += line.starts_with("answer") ? 1 : 0;
  EXPECT_EQ(answers, 100U);
  EXPECT_FALSE(loop_->Post(Submit(101), Admission::kAlways));
}

TEST_F(LoopTest, StopsWhileFrozen) {
  Start();
  SetFailing(true);
  ASSERT_TRUE(loop_->Post(Submit(1), Admission::kIfRoom));
  Await([&] { return !health_.serving(); });
  loop_->Stop();
  EXPECT_TRUE(outbox_.Log().empty());
}

}  // namespace
}  // namespace fusor
