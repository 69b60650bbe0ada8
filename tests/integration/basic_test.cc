// What users do: submit, look, steer. Real daemon, agent and trial processes.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "tests/harness/wait.h"
#include "tests/integration/cluster.h"

namespace fusor::integration {
namespace {

using harness::WaitUntil;

std::string Probe(const std::string& name, const std::string& params,
                  const std::string& rest = "") {
  return "name: " + name +
         "\nobjective: {metric: val/accuracy, goal: maximize}\nresources: {device: cpu}\n"
         "stages:\n  s:\n    recipe: probe\n    params: {" +
         params + "}\n" + rest;
}

TEST(Basic, SubmitRunResults) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 2);
  const std::string sweep =
      cluster.Submit(Probe("first", "steps: 5", "    axes: {batch_size: [1, 2]}\nseeds: [0, 1]\n"));
  ASSERT_TRUE(cluster.WaitEnded(sweep, 4, 60)) << agent->Log();
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM trial WHERE state = 'succeeded'"), "4");
  EXPECT_EQ(
      cluster.Sql("metrics.db",
                  "SELECT count(*) FROM trial_point WHERE name = 'train/loss' AND NOT superseded"),
      "20");
  const Output results = cluster.Fusor({"results", sweep, "-o", "csv"});
  EXPECT_EQ(results.exit_code, 0) << results.err;
  EXPECT_NE(results.out.find("val/accuracy"), std::string::npos) << results.out;
  const Output points =
      cluster.Fusor({"metrics", sweep + ".s.0", "--name", "train/loss", "-o", "csv"});
  EXPECT_EQ(points.exit_code, 0) << points.err;
  EXPECT_EQ(std::count(points.out.begin(), points.out.end(), '\n'), 6) << points.out;
}

TEST(Basic, SubmitWaitsAndSaysHowItWent) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 1);
  const std::filesystem::path file = cluster.path() / "bad.yaml";
  const std::string yaml =
      Probe("bad", "steps: 2, fault: exit, fault_step: 1", "retry: {crashes: 0}\n");
  FILE* out = std::fopen(file.c_str(), "w");
  std::fputs(yaml.c_str(), out);
  std::fclose(out);
  EXPECT_EQ(cluster.Fusor({"submit", file.string(), "--wait"}).exit_code, 1);
  const std::string good = "stages.s.params.fault=none";
  EXPECT_EQ(cluster.Fusor({"submit", file.string(), "--wait", "--set", good}).exit_code, 0);
  EXPECT_EQ(cluster.Fusor({"submit", file.string(), "--set", "stages.s.params.stps=3"}).exit_code,
            2);
}

TEST(Basic, SameRequestIdActsOnce) {
  Cluster cluster;
  const std::filesystem::path file = cluster.path() / "once.yaml";
  const std::string yaml = Probe("once", "steps: 1");
  FILE* out = std::fopen(file.c_str(), "w");
  std::fputs(yaml.c_str(), out);
  std::fclose(out);
  const Output first = cluster.Fusor({"submit", file.string(), "--request-id", "r1", "-o", "id"});
  const Output second = cluster.Fusor({"submit", file.string(), "--request-id", "r1", "-o", "id"});
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_EQ(first.out, second.out);
  const Output clash = cluster.Fusor(
      {"submit", file.string(), "--set", "seeds=[0,1]", "--request-id", "r1", "-o", "id"});
  EXPECT_NE(clash.exit_code, 0);
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM sweep"), "1");
}

TEST(Basic, CancelWhileStarting) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 2);
  const std::string sweep =
      cluster.Submit(Probe("gone", "steps: 1000000, step_ms: 10", "seeds: [0, 1, 2, 3]\n"));
  const Output canceled = cluster.Fusor({"cancel", sweep});
  EXPECT_EQ(canceled.exit_code, 0) << canceled.err;
  EXPECT_TRUE(cluster.WaitSql("state.db", "SELECT state FROM sweep", "canceled", 30));
  EXPECT_TRUE(WaitUntil([&] { return agent->Trials().empty(); }, 30)) << agent->Log();
  EXPECT_TRUE(cluster.WaitSql(
      "state.db", "SELECT count(*) FROM attempt WHERE state IN ('granted', 'running')", "0", 30));
}

TEST(Basic, DrainHandsTrialsBack) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 1);
  const std::string sweep = cluster.Submit(Probe("moved", "steps: 400, step_ms: 10"));
  ASSERT_TRUE(WaitUntil([&] { return !agent->Trials().empty(); }, 30)) << agent->Log();
  const Output drained = cluster.Fusor({"drain", "a", "--deadline", "0s", "--reason", "test"});
  EXPECT_EQ(drained.exit_code, 0) << drained.err;
  EXPECT_TRUE(WaitUntil([&] { return agent->Trials().empty(); }, 30)) << agent->Log();
  const auto other = cluster.StartAgent("b", 1);
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 60)) << other->Log();
  EXPECT_EQ(cluster.Sql("state.db", "SELECT state FROM trial"), "succeeded");
  // It went on where it was: the second attempt did not begin at step 0.
  EXPECT_EQ(cluster.Sql("state.db", "SELECT resumed_from_step > 0 FROM attempt WHERE number = 2"),
            "1");
}

}  // namespace
}  // namespace fusor::integration
