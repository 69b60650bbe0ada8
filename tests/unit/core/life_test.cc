// The life of a trial: submitted, placed, started, reported, ended.

#include "tests/unit/core/world_fixture.h"

namespace fusor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LifeTest : public CoreTest {};

TEST_F(LifeTest, TrialsStartInOrderAsSlotsAllow) {
  const SessionId n1 = Connect(CpuWorker("n1", 2));
  Submit(SweepOf(3));
  EXPECT_THAT(Started(), ElementsAre("1.t.0@1:0", "1.t.1@1:1"));
  EXPECT_EQ(StateOf("1.t.2"), TrialState::kReady);
  EXPECT_FALSE(tables.trials.contains(KeyOf("1.t.2"))) << "a pending trial has no row";
  End(n1, LiveOf("1.t.1"));
  EXPECT_EQ(StateOf("1.t.1"), TrialState::kSucceeded);
  EXPECT_THAT(Started(), ElementsAre("1.t.2@1:1"));
}

TEST_F(LifeTest, ASweepIsFinishedWhenItsLastTrialHasEnded) {
  const SessionId n1 = Connect(CpuWorker("n1", 2));
  const SweepId sweep = Submit(SweepOf(2));
  End(n1, LiveOf("1.t.0"));
  EXPECT_EQ(core->ViewSweep(sweep).state, SweepState::kRunning);
  End(n1, LiveOf("1.t.1"));
  EXPECT_EQ(core->ViewSweep(sweep).state, SweepState::kFinished);
  EXPECT_EQ(tables.sweeps.at(sweep).ended, now);
}

TEST_F(LifeTest, TheStartMessageSaysEverything) {
  SweepSpec spec = SweepOf(1);
  spec.stages[0].params["steps"] = std::int64_t{7};
  spec.stages[0].resources.memory_gib = 4;
  spec.stages[0].time_limit = std::chrono::hours(8);
  spec.stages[0].checkpoint.every_steps = 500;
  Connect(CpuWorker("n1", 1));
  Submit(spec);
  ASSERT_EQ(Starts().size(), 1u);
  const StartMessage start = Starts()[0];
  EXPECT_EQ(start.trial, "1.t.0");
  EXPECT_EQ(start.number, 1u);
  EXPECT_EQ(start.recipe, "probe");
  EXPECT_EQ(start.config, R"({"seed":0,"steps":7,"x":0})");
  EXPECT_EQ(start.memory_gib, 4);
  EXPECT_EQ(start.time_left, Duration(std::chrono::hours(8)));
  EXPECT_EQ(start.checkpoint_every_steps, 500);
  EXPECT_FALSE(start.resume.has_value());
}

TEST_F(LifeTest, EveryMoveHasItsRowItsEventAndItsReason) {
  const SessionId n1 = Connect(CpuWorker("n1", 1));
  Submit(SweepOf(1));
  EXPECT_EQ(RowOf("1.t.0").state, TrialState::kRunning);
  End(n1, LiveOf("1.t.0"));
  std::vector<std::string> moves;
  for (const PutEvent& event : tables.events) {
    if (event.kind == "trial_moved") moves.push_back(event.detail);
  }
  EXPECT_THAT(moves, ElementsAre("ready -> running", "running -> succeeded"));
  EXPECT_THAT(EventsOf("trial_moved")[0], HasSubstr("n1 had 1 free"));
  EXPECT_EQ(tables.attempts.begin()->second.state, AttemptState::kEnded);
}

TEST_F(LifeTest, NothingStartsWithoutAWorker) {
  Submit(SweepOf(1));
  EXPECT_THAT(Started(), IsEmpty());
  Connect(CpuWorker("n1", 1));
  EXPECT_THAT(Started(), ElementsAre("1.t.0@1:0"));
}

TEST_F(LifeTest, ConfigHashDependsOnConfigurationAlone) {
  Connect(CpuWorker("n1", 4));
  Submit(SweepOf(2));
  SweepSpec again = SweepOf(2);
  again.name = "another";
  again.priority = again.stages[0].priority = 90;
  again.stages[0].resources.cpus = 1;
  Submit(again);
  EXPECT_EQ(RowOf("1.t.0").config_hash, RowOf("2.t.0").config_hash);
  EXPECT_NE(RowOf("1.t.0").config_hash, RowOf("1.t.1").config_hash);
  EXPECT_EQ(RowOf("1.t.0").config_hash.size(), 64u);
}

}  // namespace
}  // namespace fusor
