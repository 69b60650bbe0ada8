// Why a trial is not running, in order of weight.

#include "tests/unit/core/world_fixture.h"

namespace fusor {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

class ExplainTest : public CoreTest {};

TEST_F(ExplainTest, NothingAboutTrialsThatRunOrAreOver) {
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  Submit(SweepOf(1));
  EXPECT_THAT(Explain("1.t.0"), IsEmpty());
  End(n1, LiveOf("1.t.0"));
  EXPECT_THAT(Explain("1.t.0"), IsEmpty());
}

TEST_F(ExplainTest, ATrialThatDoesNotExist) {
  Submit(SweepOf(1));
  EXPECT_THAT(core->Explain({SweepId{1}, 0, 7}, now).reasons,
              ElementsAre("there is no such trial"));
  EXPECT_THAT(core->Explain({SweepId{9}, 0, 0}, now).reasons,
              ElementsAre("there is no such trial"));
}

TEST_F(ExplainTest, NobodyThere) {
  Submit(SweepOf(1));
  EXPECT_THAT(Explain("1.t.0"), ElementsAre("no worker with a usable slot is connected"));
}

TEST_F(ExplainTest, AWorkerThatWentAwayIsNamed) {
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  Disconnect(n1);
  Submit(SweepOf(1));
  EXPECT_THAT(Explain("1.t.0"),
              ElementsAre("no worker with a usable slot is connected", "n1 is suspect"));
}

TEST_F(ExplainTest, TheGangAndWhoIsInItsWay) {
  SweepSpec gang = SweepOf(1);
  gang.stages[0].resources = {.device = DeviceKind::kGpu, .slots = 2};
  Connect(GpuWorker("n1", 1));
  Submit(SweepOf(2));
  Connect(GpuWorker("n3", 2));
  Submit(gang);
  EXPECT_THAT(Explain("2.t.0"),
              ElementsAre("needs 2 gpu slots on one worker; the largest free is 1 on n3 (busy with "
                          "1.t.1)"));
}

TEST_F(ExplainTest, WhoIsServedFirst) {
  Connect(CpuWorker("n1", 1));
  Submit(SweepOf(5));
  SweepSpec urgent = SweepOf(2);
  urgent.priority = urgent.stages[0].priority = 80;
  Submit(urgent);
  EXPECT_THAT(Explain("1.t.3"),
              ElementsAre("needs 1 slot; the largest free is 0 on n1 (busy with 1.t.0)",
                          "1 class of trials is served first, now sweep 2 with priority 80 and "
                          "0 slots in use",
                          "trials of its class with lower numbers start first, now 1.t.1"));
}

TEST_F(ExplainTest, BackOff) {
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  Submit(SweepOf(1));
  End(n1, LiveOf("1.t.0"), Crashed());
  EXPECT_THAT(Explain("1.t.0"),
              ElementsAre(StartsWith("backs off for 1 s after crashed (signal 11")));
}

TEST_F(ExplainTest, SeveralReasonsTheStrongestFirst) {
  SweepSpec spec = SweepOf(
      {StageOf("a"), StageOf("b", {TextAxis("precision", {"fp8"}, ParamRole::kPrecision)})});
  spec.stages[1].needs.push_back({.stage = 0, .match = {{0, 0}}});
  Connect(CpuWorker("n1", 1));
  const SweepId sweep = Submit(spec);
  Turn(PauseSweep{NextRequest(), sweep});
  EXPECT_THAT(Explain("1.b.0"),
              ElementsAre("the sweep is paused; `fusor resume 1` lets it go on",
                          "waits for 1.a.0 (running)", "precision fp8 is offered by no worker"));
}

}  // namespace
}  // namespace fusor
