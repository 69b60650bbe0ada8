// Whose fault it is that a trial is skipped.

#include "tests/unit/core/world_fixture.h"

namespace fusor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// `experts` (as many as told), `fusion` which takes them all, `report` which takes the fusion.
class CausesTest : public CoreTest {
 protected:
  static SweepSpec Chain(std::int64_t experts) {
    StageSpec first = StageOf("experts", {IntAxis("expert", experts)});
    StageSpec fusion = StageOf("fusion", {});
    StageSpec report = StageOf("report", {});
    fusion.needs.push_back({.stage = 0, .match = {{0, 0}}, .collect = {1}});
    report.needs.push_back({.stage = 1, .match = {{0, 0}}});
    for (StageSpec* stage : {&first, &fusion, &report}) stage->retry.crashes = 0;
    return SweepOf({first, fusion, report});
  }
  void Fail(SessionId session, const std::string& trial) { End(session, LiveOf(trial), Crashed()); }
  Explanation Why(const std::string& trial) const { return core->Explain(KeyOf(trial), now); }
};

constexpr const char* kCrash = "crashed (signal 11, segmentation fault)";

TEST_F(CausesTest, EveryFaultIsNamedOnceThroughWhatWasSkipped) {
  const SessionId n1 = Connect(CpuWorker("n1", 4));
  Submit(Chain(4));
  Fail(n1, "1.experts.1");
  Fail(n1, "1.experts.3");
  const std::string first = std::string("needs 1.experts.1, which failed: ") + kCrash;
  const std::string second = std::string("needs 1.experts.3, which failed: ") + kCrash;
  EXPECT_THAT(Why("1.fusion.0").reasons, ElementsAre(first, second));
  EXPECT_THAT(Why("1.report.0").reasons,
              ElementsAre("needs 1.fusion.0, which " + first, "needs 1.fusion.0, which " + second));
  EXPECT_THAT(Why("1.report.0").causes, ElementsAre(KeyOf("1.experts.1"), KeyOf("1.experts.3")));
  EXPECT_EQ(Why("1.report.0").state, TrialState::kSkipped);
}

TEST_F(CausesTest, WhatWasCanceledIsAFaultToo) {
  const SessionId n1 = Connect(CpuWorker("n1", 2));
  Submit(Chain(2));
  Turn(CancelTrials{NextRequest(), {KeyOf("1.experts.0")}});
  End(n1, LiveOf("1.experts.1"));
  EXPECT_THAT(Why("1.fusion.0").reasons, ElementsAre(HasSubstr("1.experts.0, which was canceled")));
  EXPECT_THAT(Why("1.fusion.0").causes, ElementsAre(KeyOf("1.experts.0")));
}

TEST_F(CausesTest, NobodysFaultWhileItWaits) {
  Connect(CpuWorker("n1", 2));
  Submit(Chain(2));
  EXPECT_THAT(Why("1.fusion.0").causes, IsEmpty());
  EXPECT_THAT(Why("1.experts.0").reasons, IsEmpty()) << "it runs";
}

TEST_F(CausesTest, AStageThatWasGivenUpSpeaksForWhatItCanceled) {
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  SweepSpec spec = Chain(4);
  spec.on_failure = {StageFailure::kSkipDependents, 0.0};
  Submit(spec);
  Fail(n1, "1.experts.0");
  ASSERT_EQ(StateOf("1.experts.3"), TrialState::kCanceled);
  const Explanation why = Why("1.fusion.0");
  EXPECT_THAT(why.reasons, ElementsAre(HasSubstr("needs stage experts, which was given up"),
                                       HasSubstr("needs 1.experts.0, which failed")));
  EXPECT_THAT(why.causes, ElementsAre(KeyOf("1.experts.0")));
}

TEST_F(CausesTest, OnlyTheFirstAreListed) {
  const SessionId n1 = Connect(CpuWorker("n1", 16));
  Submit(Chain(12));
  for (int expert = 0; expert < 12; ++expert) {
    Fail(n1, "1.experts." + std::to_string(expert));
  }
  EXPECT_THAT(Why("1.fusion.0").reasons, SizeIs(10));
  EXPECT_THAT(Why("1.report.0").causes, SizeIs(10));
}

}  // namespace
}  // namespace fusor
