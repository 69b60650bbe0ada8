// Slots that make trials fail.

#include "tests/unit/core/world_fixture.h"

namespace fusor {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class QuarantineTest : public CoreTest {
 protected:
  void Start(int trials) {
    SweepSpec spec = SweepOf(trials);
    spec.stages[0].retry.crashes = 0;
    n1 = Connect(CpuWorker("n1", 1));
    Submit(spec);
  }
  // The trial that runs now ends.
  void EndNext(const Outcome& outcome, Duration running = seconds(1)) {
    const std::string trial = "1.t." + std::to_string(next_++);
    for (Duration passed{0}; passed < running; passed += seconds(1)) {
      Pass(seconds(1));
      Beat(n1, {LiveOf(trial)});
    }
    End(n1, LiveOf(trial), outcome, running);
  }
  std::string Condition() const { return core->View().workers.at(0).slots.at(0).condition; }

  SessionId n1;
  int next_ = 0;
};

TEST_F(QuarantineTest, ThreeDifferentTrialsThatFailEarly) {
  Start(5);
  EndNext(Crashed());
  EndNext(FailedWith(Failure::kHung));
  EXPECT_EQ(Condition(), "");
  EndNext(Crashed());
  EXPECT_EQ(Condition(),
            "quarantined: 3 different trials failed within 60 s of starting; the last: "
            "crashed (by a signal)");
  EXPECT_THAT(Started(), IsEmpty());
  EXPECT_THAT(EventsOf("slot_quarantined"), SizeIs(1));
  EXPECT_THAT(Explain("1.t.3"), Contains(HasSubstr("slot 0 of n1 is quarantined: 3 different")));
  Turn(ResumeWorker{NextRequest(), WorkerId{1}});
  EXPECT_EQ(Condition(), "");
  EXPECT_THAT(Started(), ElementsAre("1.t.3@1:0"));
}

// Its agent has no processes or descriptors left, say.
TEST_F(QuarantineTest, AWorkerThatCannotStartTrialsDoesNotUseUpASweep) {
  Start(5);
  const SessionId n2 = Connect(CpuWorker("n2", 1));
  EXPECT_THAT(Started(), ElementsAre("1.t.1@2:0"));
  Outcome not_started = FailedWith(Failure::kLost);
  not_started.detail = "not started: fork: Resource temporarily unavailable";
  End(n1, LiveOf("1.t.0"), not_started, seconds(0));
  EXPECT_EQ(RowOf("1.t.0").state, TrialState::kReady);
  EXPECT_THAT(RowOf("1.t.0").reason, HasSubstr("retry 1 of 5 in 1 s"));
  EXPECT_THAT(Started(), ElementsAre("1.t.2@1:0")) << "others first";
  End(n1, LiveOf("1.t.2"), not_started, seconds(0));
  End(n1, LiveOf("1.t.3"), not_started, seconds(0));
  EXPECT_THAT(Condition(),
              HasSubstr("failed within 60 s of starting; the last: could not be started"));
  Pass(seconds(1));
  Beat(n2, {LiveOf("1.t.1")});
  End(n2, LiveOf("1.t.1"));
  EXPECT_THAT(Started(), ElementsAre("1.t.0@2:0"));
}

TEST_F(QuarantineTest, LateFailuresAndPeoplesWishesDoNotCount) {
  Start(8);
  EndNext(Crashed(), seconds(61));
  EndNext(Crashed(), seconds(61));
  EndNext(Crashed(), seconds(61));
  EndNext(FailedWith(Failure::kTimedOut));
  EndNext(Crashed());
  EndNext(Crashed());
  EXPECT_EQ(Condition(), "");
}

TEST_F(QuarantineTest, ASuccessBetweenWipesTheSlate) {
  Start(8);
  EndNext(Crashed());
  EndNext(Crashed());
  EndNext({});
  EndNext(Crashed());
  EndNext(Crashed());
  EXPECT_EQ(Condition(), "");
  EndNext(Crashed());
  EXPECT_THAT(Condition(), HasSubstr("quarantined"));
}

TEST_F(QuarantineTest, OneTrialThatFailsAgainAndAgainIsNotTheSlotsDoing) {
  SweepSpec spec = SweepOf(1);
  spec.stages[0].retry.crashes = 10;
  n1 = Connect(CpuWorker("n1", 1));
  Submit(spec);
  for (int crash = 0; crash < 6; ++crash) {
    End(n1, LiveOf("1.t.0"), Crashed());
    Pass(seconds(60));
    Beat(n1, {});
  }
  EXPECT_EQ(Condition(), "");
}

TEST_F(QuarantineTest, TheSlotIsLentToOneTrialWhoseSuccessReleasesIt) {
  Start(8);
  for (int crash = 0; crash < 3; ++crash) EndNext(Crashed());
  Pass(seconds(59));
  Beat(n1, {});
  EXPECT_THAT(Started(), IsEmpty());
  Pass(seconds(1));
  EXPECT_THAT(Started(), ElementsAre("1.t.3@1:0"));
  EndNext(Crashed());
  EXPECT_THAT(Condition(), HasSubstr("quarantined"));
  EXPECT_THAT(Started(), IsEmpty());
  for (int second = 0; second < 119; ++second) {
    Pass(seconds(1));
    Beat(n1, {});
    ASSERT_THAT(Started(), IsEmpty()) << "the second pause is twice as long";
  }
  Pass(seconds(1));
  ASSERT_THAT(Started(), ElementsAre("1.t.4@1:0"));
  EndNext({});
  EXPECT_EQ(Condition(), "");
  EXPECT_THAT(EventsOf("slot_released"), ElementsAre("a trial succeeded there"));
  EXPECT_THAT(Started(), ElementsAre("1.t.5@1:0"));
}

TEST_F(QuarantineTest, OutlivesARestart) {
  Start(5);
  for (int crash = 0; crash < 3; ++crash) EndNext(Crashed());
  Restart();
  n1 = Connect(CpuWorker("n1", 1));
  EXPECT_THAT(Started(), IsEmpty());
  EXPECT_THAT(Condition(), HasSubstr("quarantined: 3 different trials"));
  Pass(minutes(1));
  EXPECT_THAT(Started(), IsEmpty()) << "its worker is silent";
  Beat(n1, {});
  EXPECT_THAT(Started(), ElementsAre("1.t.3@2:0"));
}

TEST_F(QuarantineTest, OtherSlotsOfTheWorkerServe) {
  SweepSpec spec = SweepOf(9);
  spec.stages[0].retry.crashes = 0;
  n1 = Connect(CpuWorker("n1", 2));
  Submit(spec);
  for (const char* trial : {"1.t.0", "1.t.2", "1.t.3"}) {
    ASSERT_EQ(tables.attempts.at(LiveOf(trial)).slots[0].second, 0u);
    End(n1, LiveOf(trial), Crashed());
  }
  EXPECT_THAT(Started(), IsEmpty());
  End(n1, LiveOf("1.t.1"));
  EXPECT_THAT(Started(), ElementsAre("1.t.4@1:1"));
}

}  // namespace
}  // namespace fusor
