// What becomes of trials whose attempts fail: tried again, with back-off and elsewhere, or failed.

#include "coordinator/core/retry_policy.h"
#include "tests/unit/core/world_fixture.h"

namespace fusor {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(BackoffTest, DoublesFromOneSecondToOneMinute) {
  EXPECT_EQ(core::BackoffOf(1), seconds(1));
  EXPECT_EQ(core::BackoffOf(2), seconds(2));
  EXPECT_EQ(core::BackoffOf(3), seconds(4));
  EXPECT_EQ(core::BackoffOf(6), seconds(32));
  EXPECT_EQ(core::BackoffOf(7), seconds(60));
  EXPECT_EQ(core::BackoffOf(1'000'000), seconds(60));
}

TEST(DecideRetryTest, EachKindHasItsOwnLimit) {
  const Retry policy{.crashes = 1, .lost_workers = 2, .also = {{Failure::kDiverged, 1}}};
  PutTrial row;
  EXPECT_TRUE(core::DecideRetry(policy, Crashed(), false, row).again);
  EXPECT_TRUE(core::DecideRetry(policy, FailedWith(Failure::kLost), false, row).again);
  EXPECT_TRUE(core::DecideRetry(policy, FailedWith(Failure::kDiverged), false, row).again);
  EXPECT_TRUE(core::DecideRetry(policy, FailedWith(Failure::kLost), false, row).again);
  EXPECT_FALSE(core::DecideRetry(policy, FailedWith(Failure::kHung), false, row).again);
  EXPECT_FALSE(core::DecideRetry(policy, FailedWith(Failure::kLost), false, row).again);
  EXPECT_FALSE(core::DecideRetry(policy, FailedWith(Failure::kDiverged), false, row).again);
  EXPECT_FALSE(core::DecideRetry(policy, FailedWith(Failure::kBadData), false, row).again);
  EXPECT_EQ(row.crashes, 2u);
  EXPECT_EQ(row.losses, 3u);
}

TEST(DecideRetryTest, OnlyCrashesAndFailedStartsBackOffAndGoElsewhere) {
  const Retry policy{.also = {{Failure::kOutOfMemoryDevice, 1}}};
  PutTrial row;
  const auto crash = core::DecideRetry(policy, Crashed(), false, row);
  EXPECT_TRUE(crash.elsewhere);
  EXPECT_EQ(crash.wait, seconds(1));
  const auto memory =
      core::DecideRetry(policy, FailedWith(Failure::kOutOfMemoryDevice), false, row);
  EXPECT_TRUE(memory.again);
  EXPECT_FALSE(memory.elsewhere);
  EXPECT_EQ(memory.wait, Duration(0));
  const Outcome lost = FailedWith(Failure::kLost);
  EXPECT_FALSE(core::DecideRetry(policy, lost, false, row).elsewhere);
  const auto not_started = core::DecideRetry(policy, lost, true, row);
  EXPECT_TRUE(not_started.elsewhere);
  EXPECT_EQ(not_started.wait, seconds(2));
}

class RetryTest : public CoreTest {};

TEST_F(RetryTest, ACrashBacksOffAndGoesToAnotherWorker) {
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  Submit(SweepOf(1));
  Connect(CpuWorker("n2", 1));
  End(n1, LiveOf("1.t.0"), Crashed());
  EXPECT_THAT(Started(), IsEmpty());
  EXPECT_EQ(RowOf("1.t.0").reason, "crashed (signal 11, segmentation fault); retry 1 of 2 in 1 s");
  EXPECT_EQ(core->NextDeadline(), now + seconds(1));
  Pass(seconds(1));
  EXPECT_THAT(Started(), ElementsAre("1.t.0@2:0"));
  EXPECT_EQ(Starts()[0].number, 2u);
}

TEST_F(RetryTest, ACrashedTrialWaitsForAnotherWorkerWhileOthersPassIt) {
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  Submit(SweepOf(3));
  const SessionId n2 = Connect(CpuWorker("n2", 1));
  EXPECT_THAT(Started(), ElementsAre("1.t.1@2:0"));
  End(n1, LiveOf("1.t.0"), Crashed());
  EXPECT_THAT(Started(), ElementsAre("1.t.2@1:0"));
  Pass(seconds(1));
  Beat(n1, {LiveOf("1.t.2")});
  End(n1, LiveOf("1.t.2"));
  EXPECT_THAT(Started(), IsEmpty()) << "only the worker where it crashed is free";
  EXPECT_THAT(Explain("1.t.0"), testing::Contains(HasSubstr("waits for another worker than n1")));
  End(n2, LiveOf("1.t.1"));
  EXPECT_THAT(Started(), ElementsAre("1.t.0@2:0"));
}

TEST_F(RetryTest, WithOneWorkerACrashedTrialComesBackThere) {
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  Submit(SweepOf(1));
  End(n1, LiveOf("1.t.0"), Crashed());
  Pass(seconds(1));
  EXPECT_THAT(Started(), ElementsAre("1.t.0@1:0"));
}

TEST_F(RetryTest, WhenTheOtherWorkerGoesTheFirstOneServes) {
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  SweepSpec spec = SweepOf(2);
  Submit(spec);
  const SessionId n2 = Connect(CpuWorker("n2", 1));
  End(n1, LiveOf("1.t.0"), Crashed());
  Pass(seconds(1));
  ASSERT_THAT(Started(), IsEmpty());
  Disconnect(n2);
  EXPECT_THAT(Started(), ElementsAre("1.t.0@1:0"));
}

TEST_F(RetryTest, FailsWhenCrashesAreUsedUp) {
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  SweepSpec spec = SweepOf(1);
  spec.stages[0].retry.crashes = 1;
  Submit(spec);
  End(n1, LiveOf("1.t.0"), Crashed());
  Pass(seconds(1));
  End(n1, LiveOf("1.t.0"), FailedWith(Failure::kHung));
  EXPECT_EQ(StateOf("1.t.0"), TrialState::kFailed);
  EXPECT_EQ(RowOf("1.t.0").failure, Failure::kHung);
  EXPECT_THAT(RowOf("1.t.0").reason, HasSubstr("no retry left of 1"));
}

TEST_F(RetryTest, OtherFailuresAreFinalUnlessListed) {
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  SweepSpec spec = SweepOf(1);
  spec.stages[0].retry.also = {{Failure::kDiverged, 1}};
  Submit(spec);
  End(n1, LiveOf("1.t.0"), FailedWith(Failure::kDiverged));
  EXPECT_THAT(Started(), ElementsAre("1.t.0@1:0"));
  End(n1, LiveOf("1.t.0"), FailedWith(Failure::kOutOfMemoryHost));
  EXPECT_EQ(StateOf("1.t.0"), TrialState::kFailed);
}

TEST_F(RetryTest, CountersOutliveARestart) {
  SessionId n1 = Connect(CpuWorker("n1", 1));
  SweepSpec spec = SweepOf(1);
  spec.stages[0].retry.crashes = 1;
  spec.stages[0].retry.also = {{Failure::kDiverged, 1}};
  Submit(spec);
  End(n1, LiveOf("1.t.0"), FailedWith(Failure::kDiverged));
  End(n1, LiveOf("1.t.0"), Crashed());
  Restart();
  n1 = Connect(CpuWorker("n1", 1));
  EXPECT_THAT(Started(), IsEmpty()) << "the back-off is observed";
  Pass(seconds(1));
  ASSERT_THAT(Started(), ElementsAre("1.t.0@2:0"));
  End(n1, LiveOf("1.t.0"), FailedWith(Failure::kDiverged));
  EXPECT_EQ(StateOf("1.t.0"), TrialState::kFailed);
}

TEST_F(RetryTest, ThePersonsRetryContinuesTheNumbersWithFreshRetries) {
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  SweepSpec spec = SweepOf(1);
  spec.stages[0].retry.crashes = 0;
  const SweepId sweep = Submit(spec);
  End(n1, LiveOf("1.t.0"), Crashed());
  EXPECT_EQ(core->ViewSweep(sweep).state, SweepState::kFinished);
  Restart();
  const SessionId back = Connect(CpuWorker("n1", 1));
  Turn(RetryTrials{NextRequest(), sweep, {}});
  EXPECT_EQ(LastReply().count, 1u);
  EXPECT_EQ(core->ViewSweep(sweep).state, SweepState::kRunning);
  ASSERT_EQ(Starts().size(), 1u);
  EXPECT_EQ(Starts()[0].number, 2u);
  EXPECT_EQ(RowOf("1.t.0").crashes, 0u);
  End(back, LiveOf("1.t.0"));
  EXPECT_EQ(core->ViewSweep(sweep).state, SweepState::kFinished);
}

TEST_F(RetryTest, ARetryOfARunningOrUnknownTrialIsRefused) {
  Connect(CpuWorker("n1", 1));
  const SweepId sweep = Submit(SweepOf(2));
  Turn(RetryTrials{NextRequest(), sweep, {KeyOf("1.t.0")}});
  EXPECT_EQ(LastReply().status.code(), Code::kFailedPrecondition);
  EXPECT_THAT(LastReply().status.message(), HasSubstr("1.t.0 is running"));
  Turn(RetryTrials{NextRequest(), sweep, {{sweep, 0, 99}}});
  EXPECT_EQ(LastReply().status.code(), Code::kNotFound);
  Turn(RetryTrials{NextRequest(), sweep, {{sweep, 9, 0}}});
  EXPECT_EQ(LastReply().status.code(), Code::kNotFound);
  Turn(RetryTrials{NextRequest(), SweepId{7}, {}});
  EXPECT_EQ(LastReply().status.code(), Code::kNotFound);
}

// --- Time limits
// ------------------------------------------------------------------------------------

class LimitTest : public CoreTest {
 protected:
  void Start(Duration limit) {
    SweepSpec spec = SweepOf(1);
    spec.stages[0].time_limit = limit;
    n1 = Connect(CpuWorker("n1", 1));
    Submit(spec);
    Report(n1, LiveOf("1.t.0"), {StartedFact{}});
  }
  // The worker goes on saying that it holds the attempt.
  void RunFor(Duration duration) {
    for (Duration passed{0}; passed < duration; passed += seconds(5)) {
      Pass(seconds(5));
      Beat(n1, {LiveOf("1.t.0")});
    }
  }
  SessionId n1;
};

TEST_F(LimitTest, TheCoreAbortsWhatRunsPastItsLimit) {
  Start(minutes(1));
  RunFor(minutes(1));
  EXPECT_THAT(EventsOf("trial_moved"), testing::SizeIs(1));
  Pass(seconds(10));
  const auto stops = SentOf<StopMessage>();
  ASSERT_EQ(stops.size(), 1u);
  EXPECT_EQ(stops[0].second.mode, StopMode::kAbort);
  End(n1, LiveOf("1.t.0"), FailedWith(Failure::kCanceled));
  EXPECT_EQ(StateOf("1.t.0"), TrialState::kFailed);
  EXPECT_EQ(RowOf("1.t.0").failure, Failure::kTimedOut);
}

TEST_F(LimitTest, AllAttemptsCountTogether) {
  Start(minutes(10));
  RunFor(minutes(6));
  End(n1, LiveOf("1.t.0"), Crashed(), minutes(6));
  Pass(seconds(1));
  ASSERT_EQ(Starts().size(), 1u);
  EXPECT_EQ(Starts()[0].time_left, Duration(minutes(4)));
  EXPECT_EQ(RowOf("1.t.0").running_ms, Duration(minutes(6)).count());
}

TEST_F(LimitTest, AReleasedTrialWithoutTimeLeftHasTimedOut) {
  Start(minutes(1));
  RunFor(minutes(1));
  End(n1, LiveOf("1.t.0"), {.kind = OutcomeKind::kReleased}, minutes(1));
  EXPECT_EQ(StateOf("1.t.0"), TrialState::kFailed);
  EXPECT_EQ(RowOf("1.t.0").failure, Failure::kTimedOut);
}

TEST_F(LimitTest, APersonsRetryGivesTheTimeAgain) {
  Start(minutes(1));
  RunFor(minutes(1));
  End(n1, LiveOf("1.t.0"), FailedWith(Failure::kTimedOut), minutes(1));
  ASSERT_EQ(StateOf("1.t.0"), TrialState::kFailed);
  Turn(RetryTrials{NextRequest(), SweepId{1}, {}});
  ASSERT_EQ(Starts().size(), 1u);
  EXPECT_EQ(Starts()[0].time_left, Duration(minutes(1)));
}

TEST_F(LimitTest, AWorkerCannotClaimMoreTimeThanPassed) {
  Start(minutes(1));
  Pass(seconds(5));
  End(n1, LiveOf("1.t.0"), Crashed(), Duration(std::numeric_limits<std::int64_t>::max()));
  EXPECT_EQ(RowOf("1.t.0").running_ms, 5'000);
}

}  // namespace
}  // namespace fusor
