// Trials that take others as inputs: blocked, ready, skipped, revived; what their workers are
// given.

#include "tests/unit/core/world_fixture.h"

namespace fusor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// experts: model x expert; fusion: model x fusion, each takes the experts of its model, in order.
class NeedsTest : public CoreTest {
 protected:
  static SweepSpec Spec() {
    StageSpec experts = StageOf("experts", {TextAxis("model", {"a", "b"}), IntAxis("expert", 2)});
    StageSpec fusion = StageOf("fusion", {TextAxis("model", {"a", "b"}), IntAxis("fusion", 2)});
    fusion.needs.push_back({.stage = 0, .match = {{0, 0}, {1, 1}}, .collect = {2}});
    for (StageSpec* stage : {&experts, &fusion}) stage->retry.crashes = 0;
    return SweepOf({experts, fusion});
  }
  // A third stage that takes each fusion trial.
  static SweepSpec ChainSpec() {
    SweepSpec spec = Spec();
    StageSpec report = StageOf("report", {TextAxis("model", {"a", "b"}), IntAxis("fusion", 2)});
    report.needs.push_back({.stage = 1, .match = {{0, 0}, {1, 1}, {2, 2}}});
    spec.stages.push_back(report);
    return spec;
  }
  std::uint64_t Count(std::size_t stage, TrialState state) const {
    return core->ViewSweep(SweepId{1}).stages.at(stage).counts.at(static_cast<std::size_t>(state));
  }
  // Ends the trial as told, with a model of each kind if it succeeds.
  void Finish(SessionId session, const std::string& trial, const Outcome& outcome = {}) {
    const AttemptId attempt = LiveOf(trial);
    ASSERT_TRUE(attempt) << trial;
    if (outcome.kind == OutcomeKind::kSucceeded) {
      const auto model = [&](const std::string& name) {
        return ArtifactFact{"model", 1, {name, name + " of " + trial, 5}};
      };
      Report(session, attempt, {model("best/model"), model("last/model"), model("other")});
    }
    End(session, attempt, outcome);
  }
};

TEST_F(NeedsTest, ATrialIsReadyOnceItsOwnInputsHaveSucceeded) {
  const SessionId n1 = Connect(CpuWorker("n1", 8));
  Submit(Spec());
  EXPECT_THAT(Started(), SizeIs(4));
  EXPECT_EQ(Count(1, TrialState::kBlocked), 4u);
  EXPECT_THAT(Explain("1.fusion.0"),
              ElementsAre("waits for 1.experts.0 (running)", "waits for 1.experts.1 (running)"));
  Finish(n1, "1.experts.2");
  Finish(n1, "1.experts.0");
  EXPECT_THAT(Started(), IsEmpty());
  EXPECT_THAT(Explain("1.fusion.0"), ElementsAre("waits for 1.experts.1 (running)"));
  Finish(n1, "1.experts.1");
  EXPECT_THAT(Started(), ElementsAre("1.fusion.0@1:0", "1.fusion.1@1:1"));
  EXPECT_EQ(Count(1, TrialState::kBlocked), 2u);
  EXPECT_THAT(EventsOf("trials_ready"), ElementsAre("1.experts.1 has succeeded"));
}

TEST_F(NeedsTest, InputsComeInTheOrderOfTheCollectedAxis) {
  const SessionId n1 = Connect(CpuWorker("n1", 8));
  SweepSpec spec = Spec();
  Submit(spec);
  Finish(n1, "1.experts.1");
  Finish(n1, "1.experts.0");
  ASSERT_THAT(Starts(), SizeIs(2));
  const std::vector<InputFiles> best = {
      {"1.experts.0", {{"best/model", "best/model of 1.experts.0", 5}}},
      {"1.experts.1", {{"best/model", "best/model of 1.experts.1", 5}}}};
  EXPECT_EQ(Starts()[0].inputs, best);
}

TEST_F(NeedsTest, TakeLastGivesTheLastModels) {
  const SessionId n1 = Connect(CpuWorker("n1", 8));
  SweepSpec spec = Spec();
  spec.stages[1].needs[0].best = false;
  Submit(spec);
  Finish(n1, "1.experts.2");
  Finish(n1, "1.experts.3");
  ASSERT_THAT(Starts(), SizeIs(2));
  EXPECT_EQ(Starts()[0].inputs[1].files[0].name, "last/model");
}

TEST_F(NeedsTest, InputsOutliveARestart) {
  SessionId n1 = Connect(CpuWorker("n1", 8));
  Submit(Spec());
  for (const char* trial : {"1.experts.0", "1.experts.1", "1.experts.2"}) Finish(n1, trial);
  Finish(n1, "1.fusion.0");
  Restart();
  n1 = Connect(CpuWorker("n1", 8), {LiveOf("1.experts.3"), LiveOf("1.fusion.1")});
  EXPECT_EQ(StateOf("1.fusion.2"), TrialState::kBlocked);
  Finish(n1, "1.experts.3");
  ASSERT_THAT(Started(), ElementsAre(HasSubstr("1.fusion.2@"), HasSubstr("1.fusion.3@")));
  EXPECT_EQ(Starts()[0].inputs[0].files[0].sha256, "best/model of 1.experts.2");
}

TEST_F(NeedsTest, TheConfigHashCoversTheInputs) {
  const SessionId n1 = Connect(CpuWorker("n1", 16));
  Submit(Spec());
  SweepSpec other = Spec();
  other.stages[0].params["epochs"] = std::int64_t{3};
  Submit(other);
  for (const char* trial : {"1.experts.0", "1.experts.1", "2.experts.0", "2.experts.1"}) {
    Finish(n1, trial);
  }
  EXPECT_EQ(RowOf("1.fusion.0").params, RowOf("2.fusion.0").params);
  EXPECT_NE(RowOf("1.fusion.0").config_hash, RowOf("2.fusion.0").config_hash);
}

TEST_F(NeedsTest, AFailedInputSkipsItsDependentsInOneEvent) {
  const SessionId n1 = Connect(CpuWorker("n1", 4));
  Submit(ChainSpec());
  Finish(n1, "1.experts.1", Crashed());
  EXPECT_EQ(Count(1, TrialState::kSkipped), 2u);
  EXPECT_EQ(Count(2, TrialState::kSkipped), 2u);
  EXPECT_EQ(StateOf("1.fusion.0"), TrialState::kSkipped);
  EXPECT_EQ(StateOf("1.fusion.2"), TrialState::kBlocked);
  EXPECT_EQ(StateOf("1.report.1"), TrialState::kSkipped);
  EXPECT_THAT(EventsOf("trials_skipped"), SizeIs(2));
  EXPECT_FALSE(tables.trials.contains(KeyOf("1.fusion.0"))) << "skipped trials have no rows";
  const std::string cause =
      "needs 1.experts.1, which failed: crashed (signal 11, segmentation fault)";
  EXPECT_THAT(Explain("1.fusion.0"), ElementsAre(cause));
  // Through what was skipped itself, down to whose fault it is.
  EXPECT_THAT(Explain("1.report.0"), ElementsAre("needs 1.fusion.0, which " + cause));
}

TEST_F(NeedsTest, ASweepWithSkippedTrialsFinishes) {
  const SessionId n1 = Connect(CpuWorker("n1", 4));
  const SweepId sweep = Submit(ChainSpec());
  for (const char* trial : {"1.experts.0", "1.experts.1", "1.experts.2", "1.experts.3"}) {
    Finish(n1, trial, Crashed());
  }
  EXPECT_EQ(core->ViewSweep(sweep).state, SweepState::kFinished);
  EXPECT_EQ(Count(2, TrialState::kSkipped), 4u);
}

TEST_F(NeedsTest, RetryRevivesWhatWasSkippedBecauseOfIt) {
  const SessionId n1 = Connect(CpuWorker("n1", 4));
  const SweepId sweep = Submit(ChainSpec());
  for (const char* trial : {"1.experts.0", "1.experts.1", "1.experts.2", "1.experts.3"}) {
    Finish(n1, trial, Crashed());
  }
  Turn(RetryTrials{NextRequest(), sweep, {KeyOf("1.experts.0")}});
  EXPECT_EQ(StateOf("1.fusion.0"), TrialState::kSkipped) << "experts.1 has failed still";
  Turn(RetryTrials{NextRequest(), sweep, {KeyOf("1.experts.1")}});
  EXPECT_EQ(StateOf("1.fusion.0"), TrialState::kBlocked);
  EXPECT_EQ(StateOf("1.report.0"), TrialState::kBlocked);
  EXPECT_EQ(StateOf("1.fusion.2"), TrialState::kSkipped);
  Turn(ResumeWorker{NextRequest(), WorkerId{1}});
  Finish(n1, "1.experts.0");
  Finish(n1, "1.experts.1");
  EXPECT_THAT(Started(), SizeIs(2));
  Finish(n1, "1.fusion.0");
  EXPECT_THAT(Started(), ElementsAre(HasSubstr("1.report.0@1")));
  Finish(n1, "1.fusion.1");
  Finish(n1, "1.report.0");
  Finish(n1, "1.report.1");
  EXPECT_EQ(core->ViewSweep(sweep).state, SweepState::kFinished);
}

TEST_F(NeedsTest, ASkippedTrialIsRetriedThroughItsInputs) {
  const SessionId n1 = Connect(CpuWorker("n1", 4));
  const SweepId sweep = Submit(Spec());
  Finish(n1, "1.experts.0", Crashed());
  Turn(RetryTrials{NextRequest(), sweep, {KeyOf("1.fusion.0")}});
  EXPECT_EQ(LastReply().status.code(), Code::kFailedPrecondition);
  EXPECT_THAT(LastReply().status.message(), HasSubstr("retry the trials it needs"));
}

TEST_F(NeedsTest, SkippedTrialsAreDerivedAgainAfterARestart) {
  const SessionId n1 = Connect(CpuWorker("n1", 4));
  Submit(ChainSpec());
  Finish(n1, "1.experts.1", Crashed());
  Finish(n1, "1.experts.2");
  Restart();
  EXPECT_EQ(Count(1, TrialState::kSkipped), 2u);
  EXPECT_EQ(Count(2, TrialState::kSkipped), 2u);
  EXPECT_EQ(Count(1, TrialState::kBlocked), 2u);
}

TEST_F(NeedsTest, ACanceledInputSkipsToo) {
  Submit(Spec());
  Turn(CancelTrials{NextRequest(), {KeyOf("1.experts.0")}});
  EXPECT_EQ(LastReply().count, 1u);
  EXPECT_EQ(StateOf("1.fusion.1"), TrialState::kSkipped);
  EXPECT_THAT(Explain("1.fusion.1"),
              ElementsAre("needs 1.experts.0, which was canceled: by request"));
  EXPECT_EQ(StateOf("1.fusion.3"), TrialState::kBlocked);
}

TEST_F(NeedsTest, ABlockedTrialThatIsCanceledStaysSo) {
  const SessionId n1 = Connect(CpuWorker("n1", 4));
  Submit(Spec());
  Turn(CancelTrials{NextRequest(), {KeyOf("1.fusion.0")}});
  Finish(n1, "1.experts.0");
  Finish(n1, "1.experts.1");
  EXPECT_THAT(Started(), ElementsAre("1.fusion.1@1:0"));
  EXPECT_EQ(StateOf("1.fusion.0"), TrialState::kCanceled);
  Turn(RetryTrials{NextRequest(), SweepId{1}, {KeyOf("1.fusion.0")}});
  EXPECT_THAT(Started(), ElementsAre("1.fusion.0@1:1"));
}

TEST_F(NeedsTest, ARevivedBlockedTrialWaitsForItsInputs) {
  const SessionId n1 = Connect(CpuWorker("n1", 4));
  Submit(Spec());
  Turn(CancelTrials{NextRequest(), {KeyOf("1.fusion.0")}});
  Turn(RetryTrials{NextRequest(), SweepId{1}, {KeyOf("1.fusion.0")}});
  EXPECT_EQ(StateOf("1.fusion.0"), TrialState::kBlocked);
  EXPECT_EQ(RowOf("1.fusion.0").state, TrialState::kBlocked);
  Finish(n1, "1.experts.0");
  Finish(n1, "1.experts.1");
  EXPECT_THAT(Started(), ElementsAre("1.fusion.0@1:0", "1.fusion.1@1:1"));
}

TEST_F(NeedsTest, ExcludedInputsAreNotWaitedFor) {
  SweepSpec spec = Spec();
  spec.stages[0].excludes.push_back({.terms = {{1, {0}}, {2, {1}}}, .text = "a, 1"});
  spec.stages[0].excludes.push_back({.terms = {{1, {1}}}, .text = "b"});
  const SessionId n1 = Connect(CpuWorker("n1", 4));
  const SweepId sweep = Submit(spec);
  Finish(n1, "1.experts.0");
  EXPECT_EQ(StateOf("1.fusion.0"), TrialState::kRunning);
  Finish(n1, "1.fusion.0");
  Finish(n1, "1.fusion.1");
  EXPECT_THAT(Started(), SizeIs(2)) << "trials without any input start in the end";
  Finish(n1, "1.fusion.2");
  Finish(n1, "1.fusion.3");
  EXPECT_EQ(core->ViewSweep(sweep).state, SweepState::kFinished);
}

// --- on_failure
// -------------------------------------------------------------------------------------

class StageFailureTest : public NeedsTest {
 protected:
  static SweepSpec Failing(StageFailure policy, double share) {
    SweepSpec spec = Spec();
    spec.on_failure = {policy, share};
    return spec;
  }
};

TEST_F(StageFailureTest, TooManyFailuresCloseTheStageAndSkipItsDependents) {
  const SessionId n1 = Connect(CpuWorker("n1", 2));
  const SweepId sweep = Submit(Failing(StageFailure::kSkipDependents, 0.25));
  Finish(n1, "1.experts.0", Crashed());
  EXPECT_THAT(EventsOf("stage_failed"), IsEmpty()) << "one of four is allowed";
  Finish(n1, "1.experts.1", Crashed());
  EXPECT_THAT(EventsOf("stage_failed"),
              ElementsAre("2 of 4 trials of experts failed, more than 25%"));
  EXPECT_EQ(StateOf("1.experts.2"), TrialState::kRunning) << "what runs goes on";
  EXPECT_EQ(StateOf("1.experts.3"), TrialState::kCanceled);
  EXPECT_EQ(Count(1, TrialState::kSkipped), 4u);
  Finish(n1, "1.experts.2");
  EXPECT_EQ(core->ViewSweep(sweep).state, SweepState::kFinished);
  Restart();
  EXPECT_EQ(Count(1, TrialState::kSkipped), 4u);
  EXPECT_EQ(Count(0, TrialState::kCanceled), 1u);
}

TEST_F(StageFailureTest, CancelEndsTheWholeSweep) {
  const SessionId n1 = Connect(CpuWorker("n1", 2));
  const SweepId sweep = Submit(Failing(StageFailure::kCancel, 0.0));
  Finish(n1, "1.experts.0", Crashed());
  EXPECT_EQ(core->ViewSweep(sweep).state, SweepState::kCanceled);
  EXPECT_EQ(StateOf("1.experts.1"), TrialState::kCanceled);
  EXPECT_EQ(Count(1, TrialState::kCanceled), 4u);
  EXPECT_THAT(SentOf<StopMessage>(), SizeIs(1));
}

TEST_F(StageFailureTest, RetryReopensTheStage) {
  const SessionId n1 = Connect(CpuWorker("n1", 2));
  const SweepId sweep = Submit(Failing(StageFailure::kSkipDependents, 0.25));
  Finish(n1, "1.experts.0", Crashed());
  Finish(n1, "1.experts.1", Crashed());
  Turn(RetryTrials{NextRequest(), sweep, {}});
  EXPECT_EQ(LastReply().count, 2u);
  EXPECT_THAT(EventsOf("stage_reopened"), SizeIs(1));
  EXPECT_EQ(Count(1, TrialState::kBlocked), 4u);
  for (const char* trial : {"1.experts.2", "1.experts.0", "1.experts.1", "1.experts.3"}) {
    Finish(n1, trial);
  }
  EXPECT_EQ(Count(0, TrialState::kSucceeded), 4u);
  for (const char* trial : {"1.fusion.0", "1.fusion.1", "1.fusion.2", "1.fusion.3"}) {
    Finish(n1, trial);
  }
  EXPECT_EQ(core->ViewSweep(sweep).state, SweepState::kFinished);
}

TEST_F(StageFailureTest, RetryRevivesWhatTheStagesEndHadCanceledAndNothingElse) {
  const SessionId n1 = Connect(CpuWorker("n1", 2));
  SweepSpec spec = Failing(StageFailure::kSkipDependents, 0.25);
  spec.stages[0].retry.crashes = 1;
  const SweepId sweep = Submit(spec);
  Turn(CancelTrials{NextRequest(), {KeyOf("1.experts.3")}});
  Finish(n1, "1.experts.0", Crashed());  // it waits for its second try
  Finish(n1, "1.experts.1", FailedWith(Failure::kDiverged));
  Finish(n1, "1.experts.2", FailedWith(Failure::kDiverged));
  EXPECT_EQ(StateOf("1.experts.0"), TrialState::kCanceled);
  Restart();
  const SessionId again = Connect(CpuWorker("n1", 2));
  Turn(RetryTrials{NextRequest(), sweep, {KeyOf("1.experts.1")}});
  EXPECT_EQ(LastReply().count, 1u);
  EXPECT_EQ(StateOf("1.experts.3"), TrialState::kCanceled) << "that was a person's wish";
  for (const char* trial : {"1.experts.0", "1.experts.1"}) Finish(again, trial);
  EXPECT_EQ(Count(0, TrialState::kSucceeded), 2u);
}

TEST_F(StageFailureTest, ATrialThatNeverBeganIsRetriedThroughItsStage) {
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  const SweepId sweep = Submit(Failing(StageFailure::kSkipDependents, 0.25));
  Finish(n1, "1.experts.0", Crashed());
  Finish(n1, "1.experts.1", Crashed());
  ASSERT_EQ(StateOf("1.experts.3"), TrialState::kCanceled);
  Turn(RetryTrials{NextRequest(), sweep, {KeyOf("1.experts.3")}});
  EXPECT_EQ(
      LastReply().status.message(),
      "1.experts.3 was canceled because 2 of 4 trials of experts failed, more than 25%; retry "
      "those: `fusor retry 1`");
}

}  // namespace
}  // namespace fusor
