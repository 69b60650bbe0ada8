// Who may speak for a worker and for an attempt: zombies, doubles, restored backups, the suspect.

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "tests/harness/wait.h"
#include "tests/integration/cluster.h"

namespace fusor::integration {
namespace {

using harness::WaitUntil;

const std::vector<std::string> kHasty = {"--lease",          "1s", "--heartbeat", "200ms",
                                         "--start-deadline", "5s"};

std::string LongTrial(const std::string& lost_after) {
  return "name: long\nobjective: {metric: val/accuracy, goal: maximize}\nresources: {device: cpu}\n"
         "retry: {lost_workers: 5, lost_after: " +
         lost_after +
         "}\nstages:\n  s:\n    recipe: probe\n    params: {steps: 300, step_ms: 10, "
         "checkpoint_every: 20}\n";
}

TEST(Identity, CutOffLongerThanItsLeaseItsFactsAreRefused) {
  Cluster cluster(kHasty);
  const auto first = cluster.StartAgent("a", 1);
  const std::string sweep = cluster.Submit(LongTrial("1s"));
  const std::string running = "SELECT count(*) FROM attempt WHERE state = 'running'";
  ASSERT_TRUE(cluster.WaitSql("state.db", running, "1", 30)) << first->Log();
  ASSERT_TRUE(WaitUntil([&] { return !first->Trials().empty(); }, 30)) << first->Log();
  const pid_t zombie = first->Trials().front();
  first->program().Signal(SIGSTOP);
  const auto second = cluster.StartAgent("b", 1);
  ASSERT_TRUE(
      cluster.WaitSql("state.db", "SELECT count(*) FROM attempt WHERE number = 2", "1", 60));
  first->program().Signal(SIGCONT);
  // Its process is told to end; what it has to say is dropped.
  EXPECT_TRUE(WaitUntil([&] { return ::kill(zombie, 0) != 0; }, 30)) << first->Log();
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 60));
  EXPECT_EQ(cluster.Sql("state.db", "SELECT state FROM attempt WHERE number = 1"), "lost");
  EXPECT_EQ(cluster.Sql("state.db", "SELECT outcome FROM attempt WHERE number = 2"), "succeeded");
  EXPECT_EQ(
      cluster.Sql("metrics.db",
                  "SELECT count(*) || ' ' || count(DISTINCT step) FROM trial_point WHERE name = "
                  "'train/loss' AND NOT superseded"),
      "300 300");
}

TEST(Identity, BackBeforeLostAfterItGoesOn) {
  Cluster cluster(kHasty);
  const auto agent = cluster.StartAgent("a", 1);
  const std::string sweep = cluster.Submit(LongTrial("60s"));
  ASSERT_TRUE(WaitUntil([&] { return !agent->Trials().empty(); }, 30)) << agent->Log();
  agent->program().Signal(SIGSTOP);
  EXPECT_TRUE(cluster.WaitSql(
      "state.db", "SELECT count(*) > 0 FROM event WHERE kind = 'attempt_suspect'", "1", 30));
  agent->program().Signal(SIGCONT);
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 60)) << agent->Log();
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM attempt"), "1");
}

TEST(Identity, TwoAgentsClaimOneId) {
  Cluster cluster;
  const auto first = cluster.StartAgent("a", 1);
  ASSERT_TRUE(cluster.WaitSql("state.db", "SELECT count(*) FROM worker", "1", 30)) << first->Log();
  std::filesystem::create_directories(cluster.path() / "copy");
  std::filesystem::copy(cluster.path() / "a" / "uid", cluster.path() / "copy" / "uid");
  const auto second = cluster.StartAgent("copy", 1);
  EXPECT_TRUE(cluster.WaitSql(
      "state.db", "SELECT count(*) > 0 FROM event WHERE kind = 'worker_refused'", "1", 30))
      << second->Log();
  const std::string sweep = cluster.Submit(LongTrial("10s"));
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 60));
  EXPECT_TRUE(second->Trials().empty());
}

TEST(Identity, RestoredBackup) {
  Cluster cluster(kHasty);
  const auto agent = cluster.StartAgent("a", 1);
  const std::string sweep = cluster.Submit(LongTrial("2s"));
  ASSERT_TRUE(WaitUntil([&] { return !agent->Trials().empty(); }, 30)) << agent->Log();
  const std::string fusord = "'" + harness::Binary("fusord").string() + "' ";
  const std::string backup = (cluster.path() / "backup").string();
  ASSERT_EQ(std::system((fusord + "backup '" + backup + "' --artifacts --data '" +
                         cluster.data().string() + "' >/dev/null")
                            .c_str()),
            0);
  cluster.KillDaemon();
  std::filesystem::remove_all(cluster.data());
  ASSERT_EQ(std::system((fusord + "restore '" + backup + "' --data '" + cluster.data().string() +
                         "' >/dev/null")
                            .c_str()),
            0);
  const std::string generation = "SELECT value FROM meta WHERE key = 'generation'";
  EXPECT_NE(cluster.Sql("state.db", generation), "1");
  cluster.RestartDaemon();
  // The token is the daemon's own: a new one was made, the agent has to be given it.
  const auto fresh = cluster.StartAgent("b", 1);
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 90)) << fresh->Log();
  EXPECT_EQ(cluster.Sql("state.db", "SELECT state FROM trial"), "succeeded");
}

}  // namespace
}  // namespace fusor::integration
