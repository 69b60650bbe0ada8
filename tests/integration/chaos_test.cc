// Coordinator, agent, template and trials are killed at random points of a sweep. Afterwards every
// trial has succeeded exactly once, every series is whole, and the weights are those of a run
// nobody disturbed.

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "common/base/random.h"
#include "tests/harness/wait.h"
#include "tests/integration/cluster.h"

namespace fusor::integration {
namespace {

using harness::NowSeconds;
using harness::WaitUntil;

constexpr int kTrials = 40;
constexpr int kSteps = 40;

std::string Sweep(const std::string& name) {
  return "name: " + name +
         "\nobjective: {metric: val/accuracy, goal: maximize}\nresources: {device: cpu, cpus: 1}\n"
         "retry: {crashes: 50, lost_workers: 50, lost_after: 2s}\n"
         "stages:\n  s:\n    recipe: probe\n"
         "    params: {steps: 40, step_ms: 20, metrics_per_step: 2, checkpoint_every: 7, matrix: "
         "8}\n"
         "    axes: {batch_size: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}\nseeds: [0, 1, 2, 3]\n";
}

// One murder.
void Disturb(Cluster& cluster, std::unique_ptr<Agent>& agent, Random& random) {
  switch (random.Below(4)) {
    case 0:
      cluster.KillDaemon();
      cluster.RestartDaemon();
      break;
    case 1:
      agent->program().Kill();
      agent.reset();
      agent = cluster.StartAgent("a", 2);
      break;
    case 2: {
      const std::vector<pid_t> trials = agent->Trials();
      if (!trials.empty()) ::kill(trials[random.Below(trials.size())], SIGKILL);
      break;
    }
    case 3: {
      const pid_t process = agent->Template();
      if (process > 0) ::kill(process, SIGKILL);
      break;
    }
  }
}

std::string Ended(const Cluster& cluster, const std::string& sweep) {
  return cluster.Sql(
      "state.db", "SELECT count(*) FROM trial WHERE sweep = " + sweep + " AND state = 'succeeded'");
}

// One text for the weights of all trials of a sweep, by cell.
std::string Weights(const Cluster& cluster, const std::string& sweep) {
  return cluster.Sql(
      "state.db",
      "SELECT group_concat(cell || '=' || sha256, ' ') FROM (SELECT a.cell, a.sha256 FROM "
      "artifact AS a WHERE a.sweep = " +
          sweep +
          " AND a.kind = 'model' AND a.name LIKE 'last/%' AND a.id = (SELECT max(b.id) FROM "
          "artifact AS b WHERE b.sweep = a.sweep AND b.cell = a.cell AND b.name = a.name) "
          "ORDER BY a.cell)");
}

TEST(Chaos, EveryTrialSucceedsOnceWithWholeSeries) {
  Cluster cluster({"--lease", "3s", "--heartbeat", "500ms", "--start-deadline", "5s"});
  std::unique_ptr<Agent> agent = cluster.StartAgent("a", 2);
  const std::string sweep = cluster.Submit(Sweep("chaos"));
  ASSERT_EQ(sweep, "1");
  Random random(20);
  const double begin = NowSeconds();
  int murders = 0;
  while (Ended(cluster, sweep) != std::to_string(kTrials) && NowSeconds() - begin < 25) {
    Disturb(cluster, agent, random);
    ++murders;
    const double next = NowSeconds() + 0.3 + random.Unit();
    (void)WaitUntil([&] { return NowSeconds() > next; }, 5);
  }
  EXPECT_GE(murders, 10);
  ASSERT_TRUE(cluster.WaitSql("state.db", "SELECT state FROM sweep WHERE id = 1", "finished", 180))
      << harness::Slurp(cluster.path() / "a.log");

  EXPECT_EQ(Ended(cluster, sweep), std::to_string(kTrials));
  EXPECT_EQ(
      cluster.Sql("state.db",
                  "SELECT count(*) FROM (SELECT cell FROM attempt WHERE sweep = 1 AND "
                  "outcome = 'succeeded' AND state = 'ended' GROUP BY cell HAVING count(*) = 1)"),
      std::to_string(kTrials));
  // Every step of every trial once, no gap and no duplicate.
  EXPECT_EQ(
      cluster.Sql(
          "metrics.db",
          "SELECT count(*) || ' ' || count(DISTINCT cell * 1000 + step) || ' ' || min(step) || "
          "' ' || max(step) FROM trial_point WHERE sweep = 1 AND name = 'train/loss' AND NOT "
          "superseded"),
      std::to_string(kTrials * kSteps) + " " + std::to_string(kTrials * kSteps) + " 1 " +
          std::to_string(kSteps));
  // Something was really disturbed.
  EXPECT_NE(cluster.Sql("state.db", "SELECT count(*) > 0 FROM attempt WHERE number > 1"), "0");

  const std::string calm = cluster.Submit(Sweep("calm"));
  ASSERT_TRUE(cluster.WaitEnded(calm, kTrials, 120));
  const std::string weights = Weights(cluster, calm);
  EXPECT_FALSE(weights.empty());
  EXPECT_EQ(Weights(cluster, sweep), weights);
  const Output verified = [&] {
    agent.reset();
    cluster.daemon().program().Signal(SIGTERM);
    (void)WaitUntil([&] { return !cluster.daemon().program().Running(); }, 30);
    Output output;
    const std::string line = "'" + harness::Binary("fusord").string() + "' verify --data '" +
                             cluster.data().string() + "' >'" +
                             (cluster.path() / "verify").string() + "' 2>&1";
    output.exit_code = std::system(line.c_str());
    output.out = harness::Slurp(cluster.path() / "verify");
    return output;
  }();
  EXPECT_EQ(verified.exit_code, 0) << verified.out;
}

}  // namespace
}  // namespace fusor::integration
