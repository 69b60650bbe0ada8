// What clients ask for: once, with one answer; pause, cancel, extend, remove.

#include "tests/unit/core/world_fixture.h"

namespace fusor {
namespace {

using std::chrono::hours;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class RequestTest : public CoreTest {
 protected:
  Request With(const std::string& id, const std::string& content) {
    Request request = NextRequest();
    request.request_id = id;
    request.content_sha256 = content;
    return request;
  }
  std::size_t Rows() const { return tables.sweeps.size(); }
};

TEST_F(RequestTest, TheSameIdWithTheSameContentGivesTheSameAnswer) {
  const auto spec = std::make_shared<const SweepSpec>(SweepOf(3));
  const auto submit = [&](const std::string& id, const std::string& content) {
    Turn(SubmitSweep{With(id, content), spec, "source", {}});
    return LastReply();
  };
  const Reply first = submit("a", "1");
  tables.specs[first.sweep] = spec;
  EXPECT_EQ(first.count, 3u);
  const Reply again = submit("a", "1");
  EXPECT_EQ(again.sweep, first.sweep);
  EXPECT_EQ(again.count, first.count);
  EXPECT_NE(again.call, first.call);
  EXPECT_EQ(Rows(), 1u);
  EXPECT_EQ(submit("a", "2").status.code(), Code::kAlreadyExists);
  EXPECT_EQ(Rows(), 1u);
  Restart();
  EXPECT_EQ(submit("a", "1").sweep, first.sweep);
  EXPECT_EQ(submit("b", "1").sweep, SweepId{2});
}

TEST_F(RequestTest, WhatTheServerRefusesMayBeARepeat) {
  const auto refuse = [&](const std::string& id, const std::string& content) {
    Turn(RefuseRequest{With(id, content), NotFound("it is gone")});
    return LastReply();
  };
  EXPECT_EQ(refuse("a", "1").status.code(), Code::kNotFound);
  EXPECT_TRUE(written.empty());
  Turn(SubmitSweep{With("a", "1"), std::make_shared<const SweepSpec>(SweepOf(3)), "source", {}});
  const Reply first = LastReply();
  EXPECT_TRUE(first.status.ok());
  EXPECT_EQ(refuse("a", "1").sweep, first.sweep);
  EXPECT_EQ(LastReply().count, 3u);
  EXPECT_EQ(refuse("a", "2").status.code(), Code::kAlreadyExists);
  EXPECT_EQ(refuse("", "1").status.code(), Code::kNotFound);
}

TEST_F(RequestTest, AnIdIsForgottenAfterAWeek) {
  Submit(SweepOf(1), "a");
  Pass(hours(7 * 24) - Duration(1));
  EXPECT_EQ(Submit(SweepOf(1), "a"), SweepId{1});
  Pass(Duration(1));
  EXPECT_EQ(Submit(SweepOf(1), "a"), SweepId{2});
}

TEST_F(RequestTest, AnEmptyIdIsNotRemembered) { EXPECT_NE(Submit(SweepOf(1)), Submit(SweepOf(1))); }

TEST_F(RequestTest, ARefusedRequestMayBeTriedAgain) {
  Turn(PauseSweep{With("p", "1"), SweepId{1}});
  EXPECT_EQ(LastReply().status.code(), Code::kNotFound);
  Submit(SweepOf(1));
  Turn(PauseSweep{With("p", "1"), SweepId{1}});
  EXPECT_TRUE(LastReply().status.ok());
}

TEST_F(RequestTest, ASweepWithoutStagesIsRefused) {
  Turn(SubmitSweep{NextRequest(), nullptr, "", {}});
  EXPECT_EQ(LastReply().status.code(), Code::kInvalidArgument);
  Turn(SubmitSweep{NextRequest(), std::make_shared<const SweepSpec>(), "", {}});
  EXPECT_EQ(LastReply().status.code(), Code::kInvalidArgument);
}

// --- Cancel
// -----------------------------------------------------------------------------------------

TEST_F(RequestTest, CancelIsOneWriteHoweverManyCells) {
  const SessionId n1 = Connect(CpuWorker("n1", 2));
  const SweepId sweep = Submit(SweepOf(1'000'000));
  Turn(CancelSweep{NextRequest(), sweep, "enough"});
  EXPECT_EQ(LastReply().count, 1'000'000u);
  EXPECT_LE(written.size(), 6u);
  EXPECT_EQ(StateOf("1.t.999999"), TrialState::kCanceled);
  EXPECT_EQ(RowOf("1.t.0").state, TrialState::kCanceled);
  EXPECT_EQ(RowOf("1.t.0").reason, "enough");
  const auto stops = SentOf<StopMessage>();
  ASSERT_THAT(stops, SizeIs(2));
  EXPECT_EQ(stops[0].second.mode, StopMode::kAbort);
  End(n1, LiveOf("1.t.0"), FailedWith(Failure::kCanceled));
  EXPECT_THAT(Started(), IsEmpty());
  EXPECT_EQ(RowOf("1.t.0").state, TrialState::kCanceled);
}

TEST_F(RequestTest, ACanceledSweepStaysSoAfterARestart) {
  Connect(CpuWorker("n1", 1));
  const SweepId sweep = Submit(SweepOf(3));
  const AttemptId attempt = LiveOf("1.t.0");
  Turn(CancelSweep{NextRequest(), sweep, ""});
  Restart();
  EXPECT_EQ(StateOf("1.t.2"), TrialState::kCanceled);
  Connect(CpuWorker("n1", 1), {attempt});
  EXPECT_THAT(Started(), IsEmpty());
  const auto stops = SentOf<StopMessage>();
  ASSERT_THAT(stops, SizeIs(1));
  EXPECT_EQ(stops[0].second.mode, StopMode::kAbort) << "told again";
}

TEST_F(RequestTest, AResultThatBeatsTheCancelIsKeptInTheAttemptOnly) {
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  const SweepId sweep = Submit(SweepOf(1));
  const AttemptId attempt = LiveOf("1.t.0");
  Turn(CancelSweep{NextRequest(), sweep, ""});
  End(n1, attempt);
  EXPECT_EQ(StateOf("1.t.0"), TrialState::kCanceled);
  EXPECT_EQ(tables.attempts.at(attempt).outcome, OutcomeKind::kSucceeded);
}

TEST_F(RequestTest, CancelTwiceIsHarmlessAndAFinishedSweepIsNotCanceled) {
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  const SweepId sweep = Submit(SweepOf(1));
  Turn(CancelSweep{NextRequest(), sweep, ""});
  Turn(CancelSweep{NextRequest(), sweep, ""});
  EXPECT_TRUE(LastReply().status.ok());
  EXPECT_EQ(LastReply().count, 0u);
  End(n1, LiveOf("1.t.0"), FailedWith(Failure::kCanceled));
  Submit(SweepOf(1));
  End(n1, LiveOf("2.t.0"));
  Turn(CancelSweep{NextRequest(), SweepId{2}, ""});
  EXPECT_EQ(LastReply().status.code(), Code::kFailedPrecondition);
  EXPECT_THAT(LastReply().status.message(), HasSubstr("sweep 2 is finished"));
}

TEST_F(RequestTest, SingleTrialsAreCanceledInAnyState) {
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  const SweepId sweep = Submit(SweepOf(3));
  Turn(CancelTrials{NextRequest(), {KeyOf("1.t.0"), KeyOf("1.t.2"), KeyOf("1.t.2")}});
  EXPECT_EQ(LastReply().count, 2u);
  EXPECT_EQ(RowOf("1.t.2").state, TrialState::kCanceled);
  EXPECT_FALSE(RowOf("1.t.2").config_hash.empty());
  End(n1, LiveOf("1.t.0"), FailedWith(Failure::kCanceled));
  EXPECT_THAT(Started(), ElementsAre("1.t.1@1:0"));
  End(n1, LiveOf("1.t.1"));
  EXPECT_EQ(core->ViewSweep(sweep).state, SweepState::kFinished);
  Turn(CancelTrials{NextRequest(), {{sweep, 0, 55}}});
  EXPECT_EQ(LastReply().status.code(), Code::kNotFound);
}

TEST_F(RequestTest, RetryOfACanceledSweepTakesItAllBack) {
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  const SweepId sweep = Submit(SweepOf(3));
  Turn(CancelSweep{NextRequest(), sweep, ""});
  Turn(RetryTrials{NextRequest(), sweep, {KeyOf("1.t.1")}});
  EXPECT_EQ(LastReply().status.code(), Code::kFailedPrecondition);
  Turn(RetryTrials{NextRequest(), sweep, {}});
  EXPECT_EQ(LastReply().count, 1u);
  EXPECT_EQ(core->ViewSweep(sweep).state, SweepState::kRunning);
  EXPECT_THAT(Started(), IsEmpty()) << "the slot of the first attempt is still in use";
  Beat(n1, {});
  for (const char* trial : {"1.t.0", "1.t.1", "1.t.2"}) End(n1, LiveOf(trial));
  EXPECT_EQ(core->ViewSweep(sweep).state, SweepState::kFinished);
  EXPECT_EQ(core->ViewSweep(sweep).stages[0].counts[3], 3u);
}

// --- Pause
// ------------------------------------------------------------------------------------------

TEST_F(RequestTest, PauseStartsNothingNewAndLetsTheRestGoOn) {
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  const SweepId sweep = Submit(SweepOf(2));
  Turn(PauseSweep{NextRequest(), sweep});
  EXPECT_THAT(SentOf<StopMessage>(), IsEmpty());
  EXPECT_THAT(Explain("1.t.1"), Contains(HasSubstr("the sweep is paused")));
  End(n1, LiveOf("1.t.0"));
  EXPECT_THAT(Started(), IsEmpty());
  Turn(ResumeSweep{NextRequest(), sweep});
  EXPECT_THAT(Started(), ElementsAre("1.t.1@1:0"));
}

TEST_F(RequestTest, PauseNowReleasesWhatRuns) {
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  const SweepId sweep = Submit(SweepOf(1));
  const AttemptId attempt = LiveOf("1.t.0");
  Turn(PauseSweep{NextRequest(), sweep, true});
  ASSERT_THAT(SentOf<StopMessage>(), SizeIs(1));
  EXPECT_EQ(SentOf<StopMessage>()[0].second.mode, StopMode::kCheckpointAndStop);
  Report(n1, attempt, {CheckpointFact{.step = 7, .files = {{"c", "s", 1}}}});
  End(n1, attempt, {.kind = OutcomeKind::kReleased});
  EXPECT_EQ(StateOf("1.t.0"), TrialState::kReady);
  EXPECT_THAT(RowOf("1.t.0").reason, HasSubstr("released at a checkpoint: the sweep is paused"));
  Turn(ResumeSweep{NextRequest(), sweep});
  ASSERT_THAT(Starts(), SizeIs(1));
  EXPECT_EQ(Starts()[0].resume->step, 7);
  EXPECT_EQ(Starts()[0].number, 2u);
}

TEST_F(RequestTest, PauseNowOutlivesARestart) {
  Connect(CpuWorker("n1", 1));
  const SweepId sweep = Submit(SweepOf(1));
  const AttemptId attempt = LiveOf("1.t.0");
  Turn(PauseSweep{NextRequest(), sweep, true});
  Restart();
  Connect(CpuWorker("n1", 1), {attempt});
  ASSERT_THAT(SentOf<StopMessage>(), SizeIs(1));
  EXPECT_EQ(SentOf<StopMessage>()[0].second.mode, StopMode::kCheckpointAndStop);
}

TEST_F(RequestTest, AnAbortFollowsACheckpointAndStopButNotTheOtherWayRound) {
  Connect(CpuWorker("n1", 1));
  const SweepId sweep = Submit(SweepOf(1));
  Turn(PauseSweep{NextRequest(), sweep, true});
  Turn(CancelSweep{NextRequest(), sweep, ""});
  ASSERT_THAT(SentOf<StopMessage>(), SizeIs(1));
  EXPECT_EQ(SentOf<StopMessage>()[0].second.mode, StopMode::kAbort);
  Turn(DrainWorker{NextRequest(), WorkerId{1}, now, ""});
  Pass(Duration(1));
  EXPECT_THAT(SentOf<StopMessage>(), IsEmpty());
}

TEST_F(RequestTest, AReleaseWithoutTimeForACheckpointIsNoFailure) {
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  const SweepId sweep = Submit(SweepOf(1));
  Turn(PauseSweep{NextRequest(), sweep, true});
  End(n1, LiveOf("1.t.0"), FailedWith(Failure::kCanceled));
  EXPECT_EQ(StateOf("1.t.0"), TrialState::kReady);
  EXPECT_EQ(RowOf("1.t.0").losses, 0u);
}

// --- Extend, remove
// ---------------------------------------------------------------------------------

TEST_F(RequestTest, ExtendAddsSeedsAndLeavesOldCellsUntouched) {
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  const SweepId sweep = Submit(SweepOf({StageOf("t", {IntAxis("x", 2)}, 1)}));
  End(n1, LiveOf("1.t.0"));
  End(n1, LiveOf("1.t.1"));
  ASSERT_EQ(core->ViewSweep(sweep).state, SweepState::kFinished);
  auto more = std::make_shared<const SweepSpec>(SweepOf({StageOf("t", {IntAxis("x", 2)}, 2)}));
  tables.specs[sweep] = more;
  Turn(ExtendSweep{NextRequest(), sweep, {1}, more});
  EXPECT_EQ(LastReply().count, 2u);
  EXPECT_THAT(Started(), ElementsAre("1.t.2@1:0"));
  EXPECT_EQ(StateOf("1.t.0"), TrialState::kSucceeded);
  EXPECT_EQ(tables.sweeps.at(sweep).extra_seeds, std::vector<std::int64_t>{1});
  End(n1, LiveOf("1.t.2"));
  End(n1, LiveOf("1.t.3"));
  EXPECT_EQ(core->ViewSweep(sweep).state, SweepState::kFinished);
}

TEST_F(RequestTest, ExtendWhileTrialsRunAndWait) {
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  SweepSpec spec = SweepOf({StageOf("t", {IntAxis("x", 3)}, 1)});
  const SweepId sweep = Submit(spec);
  End(n1, LiveOf("1.t.0"), Crashed());
  auto more = std::make_shared<const SweepSpec>(SweepOf({StageOf("t", {IntAxis("x", 3)}, 2)}));
  tables.specs[sweep] = more;
  Turn(ExtendSweep{NextRequest(), sweep, {1}, more});
  EXPECT_EQ(LastReply().count, 3u);
  Pass(std::chrono::seconds(2));
  Beat(n1, {LiveOf("1.t.1")});
  std::vector<std::string> order;
  for (const char* trial : {"1.t.1", "1.t.0", "1.t.2", "1.t.3", "1.t.4", "1.t.5"}) {
    ASSERT_TRUE(LiveOf(trial)) << trial;
    End(n1, LiveOf(trial));
  }
  EXPECT_EQ(core->ViewSweep(sweep).state, SweepState::kFinished);
}

TEST_F(RequestTest, ExtendReachesTheStagesThatNeedOthers) {
  StageSpec a = StageOf("a", {}, 1);
  StageSpec b = StageOf("b", {}, 1);
  b.needs.push_back({.stage = 0, .match = {{0, 0}}});
  const SessionId n1 = Connect(CpuWorker("n1", 4));
  const SweepId sweep = Submit(SweepOf({a, b}));
  End(n1, LiveOf("1.a.0"));
  a = StageOf("a", {}, 2);
  b = StageOf("b", {}, 2);
  b.needs.push_back({.stage = 0, .match = {{0, 0}}});
  auto more = std::make_shared<const SweepSpec>(SweepOf({a, b}));
  tables.specs[sweep] = more;
  Turn(ExtendSweep{NextRequest(), sweep, {1}, more});
  EXPECT_THAT(Started(), ElementsAre("1.a.1@1:1"));
  End(n1, LiveOf("1.a.1"));
  EXPECT_THAT(Started(), ElementsAre("1.b.1@1:1"));
  End(n1, LiveOf("1.b.0"));
  End(n1, LiveOf("1.b.1"));
  EXPECT_EQ(core->ViewSweep(sweep).state, SweepState::kFinished);
}

TEST_F(RequestTest, OnlyAClosedSweepIsRemoved) {
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  const SweepId sweep = Submit(SweepOf(1));
  const AttemptId attempt = LiveOf("1.t.0");
  Turn(DeleteSweep{NextRequest(), sweep});
  EXPECT_EQ(LastReply().status.code(), Code::kFailedPrecondition);
  Turn(CancelSweep{NextRequest(), sweep, ""});
  Turn(DeleteSweep{NextRequest(), sweep});
  EXPECT_TRUE(LastReply().status.ok());
  EXPECT_THAT(tables.sweeps, IsEmpty());
  EXPECT_FALSE(core->FindAttempt(attempt));
  EXPECT_THAT(core->View().sweeps, IsEmpty());
  Report(n1, attempt, {FinalFact{}});
  EXPECT_THAT(SentOf<StopMessage>(), SizeIs(1));
  Submit(SweepOf(1));
  Beat(n1, {});
  EXPECT_THAT(Started(), ElementsAre("2.t.0@1:0"));
}

}  // namespace
}  // namespace fusor
