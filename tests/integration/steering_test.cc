// People drain, cancel, pause and resume while trials run; the coordinator is away for longer than
// the trials take.

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <string>

#include "tests/harness/wait.h"
#include "tests/integration/cluster.h"
#include "tests/integration/trials.h"

namespace fusor::integration {
namespace {

using harness::WaitUntil;

std::string StepOf(const Cluster& cluster) {
  return cluster.Sql("metrics.db",
                     "SELECT max(step) FROM point JOIN series ON series.id = "
                     "point.series WHERE name = 'train/loss'");
}

bool WaitSteps(const Cluster& cluster, int steps) {
  return WaitUntil([&] { return std::atoi(StepOf(cluster).c_str()) >= steps; }, 60);
}

TEST(Steering, WhatTrialsSayWhileTheCoordinatorIsAwayArrivesOnceAndInOrder) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 2);
  const std::string sweep = cluster.Submit(
      ProbeSweep("away", "steps: 200, step_ms: 15, metrics_per_step: 2, checkpoint_every: 10",
                 "seeds: [0, 1]\n"));
  ASSERT_TRUE(WaitSteps(cluster, 5)) << agent->Log();
  ASSERT_TRUE(
      cluster.WaitSql("state.db", "SELECT count(*) FROM attempt WHERE state = 'running'", "2", 30));
  cluster.KillDaemon();
  ASSERT_TRUE(WaitUntil([&] { return agent->Trials().empty(); }, 60)) << agent->Log();
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM trial WHERE state = 'running'"), "2");
  cluster.RestartDaemon();
  ASSERT_TRUE(cluster.WaitEnded(sweep, 2, 60)) << agent->Log();
  ExpectEachSucceededOnce(cluster, sweep, 2);
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM attempt"), "2");
  EXPECT_EQ(cluster.Sql("metrics.db",
                        "SELECT count(*) || ' ' || count(DISTINCT cell * 1000 + step) || ' ' || "
                        "min(step) || ' ' || max(step) FROM trial_point WHERE name = 'train/loss'"),
            "400 400 1 200");
  // The facts that brought them count up with the steps.
  EXPECT_EQ(
      cluster.Sql("metrics.db",
                  "SELECT count(*) FROM point AS a JOIN point AS b ON b.series = a.series AND "
                  "b.step = a.step + 1 WHERE b.fact < a.fact"),
      "0");
  // Of the checkpoints only the newest waited for the coordinator; the two that are kept are there.
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM artifact WHERE kind = 'model'"), "2");
}

TEST(Steering, DrainWaitsForItsDeadline) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 1);
  // Ends before the deadline, so it is left alone; the next one does not start.
  const std::string sweep =
      cluster.Submit(ProbeSweep("drain", "steps: 200, step_ms: 15", "seeds: [0, 1]\n"));
  ASSERT_TRUE(WaitSteps(cluster, 2)) << agent->Log();
  ASSERT_EQ(cluster.Fusor({"drain", "a", "--deadline", "10m"}).exit_code, 0);
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 60)) << agent->Log();
  EXPECT_EQ(cluster.Sql("state.db", "SELECT attempts || ' ' || state FROM trial WHERE cell = 0"),
            "1 succeeded");
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM attempt"), "1");
  const Output why = cluster.Fusor({"explain", sweep + ".s.1"});
  EXPECT_NE(why.out.find("drain"), std::string::npos) << why.out;
  ASSERT_EQ(cluster.Fusor({"resume", "--worker", "a"}).exit_code, 0);
  ASSERT_TRUE(cluster.WaitEnded(sweep, 2, 60)) << agent->Log();
  ExpectEachSucceededOnce(cluster, sweep, 2);
}

TEST(Steering, LabelsChooseTheWorker) {
  Cluster cluster;
  const auto plain = cluster.StartAgent("plain", 2);
  const std::string sweep = cluster.Submit(
      "name: labelled\nobjective: {metric: val/accuracy, goal: maximize}\n"
      "resources: {device: cpu, labels: {room: cellar, disk: nvme}}\nseeds: [0, 1, 2]\n"
      "stages: {s: {recipe: probe, params: {steps: 3}}}\n");
  const auto explained = [&](const std::string& reason) {
    return WaitUntil(
        [&] {
          return cluster.Fusor({"explain", sweep + ".s.0"}).out.find(reason) != std::string::npos;
        },
        30);
  };
  EXPECT_TRUE(explained("label room=cellar is on no worker")) << plain->Log();
  EXPECT_TRUE(explained("label disk=nvme is on no worker")) << plain->Log();
  // One of two labels is not enough.
  const auto half = cluster.StartAgent("half", 1, {"--label", "room=cellar"});
  EXPECT_TRUE(WaitUntil(
      [&] {
        const std::string why = cluster.Fusor({"explain", sweep + ".s.0"}).out;
        return why.find("label disk=nvme is on no worker") != std::string::npos &&
               why.find("room=cellar") == std::string::npos;
      },
      30))
      << half->Log();
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM attempt"), "0");
  const auto whole =
      cluster.StartAgent("whole", 1, {"--label", "room=cellar", "--label", "disk=nvme"});
  ASSERT_TRUE(cluster.WaitEnded(sweep, 3, 60)) << whole->Log();
  ExpectEachSucceededOnce(cluster, sweep, 3);
  EXPECT_EQ(cluster.Sql("state.db",
                        "SELECT group_concat(DISTINCT worker.name) FROM attempt JOIN worker ON "
                        "worker.id = attempt.worker"),
            "whole");
  EXPECT_NE(cluster.Fusor({"workers"}).out.find("disk=nvme room=cellar"), std::string::npos);
}

// A sweep of which some trials fail: every word about it is for people.
TEST(Steering, FailuresAndWhatTheySkipAreExplained) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 2);
  const std::string sweep = cluster.Submit(
      "name: chain\nobjective: {metric: val/accuracy, goal: maximize}\nresources: {device: "
      "cpu}\nretry: {crashes: 0}\nstages:\n"
      "  first: {recipe: probe, params: {steps: 3, fault_step: 1}, axes: {fault: [none, crash]}}\n"
      "  second: {recipe: probe, params: {steps: 3}, needs: {first: {match: [fault]}}, axes: "
      "{fault: [none, crash]}}\n");
  ASSERT_TRUE(cluster.WaitSql("state.db", "SELECT state FROM sweep", "finished", 60))
      << agent->Log();
  const Output trials = cluster.Fusor({"trials", sweep, "--stage", "first"});
  EXPECT_NE(trials.out.find("crashed (signal 11, segmentation fault)"), std::string::npos)
      << trials.out;
  EXPECT_EQ(trials.out.find("second"), std::string::npos) << trials.out;
  const std::string failed = sweep + ".first.1";
  for (const char* command : {"explain", "trial"}) {
    const Output why = cluster.Fusor({command, sweep + ".second.1"});
    EXPECT_NE(why.out.find("needs " + failed + ", which failed: crashed (signal 11"),
              std::string::npos)
        << why.out;
    EXPECT_NE(why.out.find("fusor retry " + failed), std::string::npos) << why.out;
  }
  // The best of a stage, of all that fits.
  EXPECT_EQ(cluster.Fusor({"best", sweep, "--stage", "sec", "-o", "id"}).out,
            sweep + ".second.0\n");
  EXPECT_EQ(cluster.Fusor({"best", sweep, "--where", "fault=crash"}).exit_code, 2);
  const Output again = cluster.Fusor({"cancel", sweep});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_NE(again.out.find("had finished already (2 succeeded, 1 failed, 1 skipped)"),
            std::string::npos)
      << again.out;
}

TEST(Steering, DrainMovesWhatRunsAtItsDeadline) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 1);
  const std::string sweep = cluster.Submit(ProbeSweep("moves", "steps: 600, step_ms: 10"));
  ASSERT_TRUE(WaitSteps(cluster, 2)) << agent->Log();
  ASSERT_EQ(cluster.Fusor({"drain", "a", "--deadline", "1s"}).exit_code, 0);
  const auto other = cluster.StartAgent("b", 1);
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 60)) << agent->Log() << other->Log();
  EXPECT_EQ(cluster.Sql("state.db",
                        "SELECT group_concat(outcome, ' ') FROM (SELECT outcome FROM "
                        "attempt ORDER BY number)"),
            "released succeeded");
  EXPECT_EQ(cluster.Sql("state.db",
                        "SELECT a.ended_ms >= w.drain_deadline_ms FROM attempt AS a JOIN worker AS "
                        "w ON w.id = a.worker WHERE a.number = 1"),
            "1");
  EXPECT_EQ(cluster.Sql("state.db", "SELECT resumed_from_step > 0 FROM attempt WHERE number = 2"),
            "1");
}

TEST(Steering, CanceledBeforeItsAgentHeardOfIt) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 2);
  ASSERT_TRUE(cluster.WaitSql("state.db", "SELECT state FROM worker", "connected", 30));
  agent->program().Signal(SIGSTOP);
  const std::string sweep =
      cluster.Submit(ProbeSweep("gone", "steps: 1000000, step_ms: 10", "seeds: [0, 1, 2, 3]\n"));
  EXPECT_TRUE(
      cluster.WaitSql("state.db", "SELECT count(*) FROM attempt WHERE state = 'granted'", "2", 30));
  EXPECT_EQ(cluster.Fusor({"cancel", sweep}).exit_code, 0);
  agent->program().Signal(SIGCONT);
  EXPECT_TRUE(cluster.WaitSql("state.db", "SELECT state FROM sweep", "canceled", 30));
  EXPECT_TRUE(cluster.WaitSql("state.db", "SELECT count(*) FROM lease", "0", 30)) << agent->Log();
  // Its slots serve others at once, and nothing of it runs.
  const std::string next = cluster.Submit(ProbeSweep("next", "steps: 1", "seeds: [0, 1]\n"));
  ASSERT_TRUE(cluster.WaitEnded(next, 2, 60)) << agent->Log();
  EXPECT_TRUE(WaitUntil([&] { return agent->Trials().empty(); }, 30)) << agent->Log();
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM trial WHERE state = 'succeeded'"), "2");
}

TEST(Steering, PauseNowGivesTheSlotsUpAndResumeGoesOn) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 1);
  const std::string sweep = cluster.Submit(ProbeSweep("rest", "steps: 300, step_ms: 15"));
  ASSERT_TRUE(WaitSteps(cluster, 20)) << agent->Log();
  ASSERT_EQ(cluster.Fusor({"pause", sweep, "--now"}).exit_code, 0);
  ASSERT_TRUE(WaitUntil([&] { return agent->Trials().empty(); }, 30)) << agent->Log();
  ASSERT_TRUE(cluster.WaitSql("state.db", "SELECT outcome FROM attempt", "released", 30));
  EXPECT_EQ(cluster.Sql("state.db", "SELECT state FROM trial"), "ready");
  // The slot is free for others meanwhile.
  const std::string other = cluster.Submit(ProbeSweep("other", "steps: 1"));
  ASSERT_TRUE(cluster.WaitEnded(other, 1, 60)) << agent->Log();
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM attempt WHERE sweep = 1"), "1");
  cluster.KillDaemon();
  cluster.RestartDaemon();
  ASSERT_EQ(cluster.Fusor({"resume", sweep}).exit_code, 0);
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 60)) << agent->Log();
  EXPECT_EQ(cluster.Sql("state.db",
                        "SELECT attempts || ' ' || crashes || ' ' || losses FROM trial "
                        "WHERE sweep = 1"),
            "2 0 0");
  // From the very step at which it was told to stop: no step was done twice.
  EXPECT_EQ(cluster.Sql("metrics.db",
                        "SELECT count(*) || ' ' || sum(superseded) FROM trial_point "
                        "WHERE sweep = 1 AND name = 'train/loss'"),
            "300 0");
}

}  // namespace
}  // namespace fusor::integration
