// Trial processes that end in every way there is, and the programs that start them killed. What an
// agent leaves behind when it is killed; how each kind of failure is told and tried again.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "tests/harness/wait.h"
#include "tests/integration/cluster.h"
#include "tests/integration/trials.h"

namespace fusor::integration {
namespace {

using harness::WaitUntil;

// A trial of another maker: writes sixty lines, starts a child in its own group and one that leaves
// it, and waits for its end of the commands.
constexpr char kForeignTrial[] = R"(#!/bin/sh
i=1
while [ $i -le 60 ]; do echo "line $i"; i=$((i + 1)); done
sleep 100000 3>&- 4<&- >/dev/null 2>&1 &
echo $! >>"$FUSOR_TEST_PIDS"
setsid sleep 100001 3>&- 4<&- >/dev/null 2>&1 &
echo $! >>"$FUSOR_TEST_PIDS"
echo '{"contract":1}' >&3
echo '{"f":"started","resumed_from_step":-1,"bit_exact":true,"info":{}}' >&3
echo '{"f":"metrics","step":1,"v":{"train/loss":0.5}}' >&3
echo '{"f":"progress","step":1,"steps":2,"epoch":0,"phase":"train"}' >&3
if [ "$FUSOR_TEST_ENDS" = yes ]; then exit 3; fi
read -r command <&4
)";

class ForeignTrial {
 public:
  explicit ForeignTrial(const Cluster& cluster, const std::string& ends)
      : program_(cluster.path() / "trial.sh"), pids_(cluster.path() / "pids") {
    std::ofstream(program_) << kForeignTrial;
    std::filesystem::permissions(program_, std::filesystem::perms::owner_all);
    ::setenv("FUSOR_TEST_PIDS", pids_.c_str(), 1);
    ::setenv("FUSOR_TEST_ENDS", ends.c_str(), 1);
  }
  ~ForeignTrial() {
    for (const pid_t child : Children()) {
      if (Lives(child)) ::kill(child, SIGKILL);
    }
  }
  std::vector<std::string> Options() const { return {"--trial-program", program_.string()}; }
  std::vector<pid_t> Children() const {
    std::vector<pid_t> children;
    std::ifstream file(pids_);
    for (pid_t child = 0; file >> child;) children.push_back(child);
    return children;
  }
  // Zombies of whoever inherited them do not count.
  static bool Lives(pid_t process) {
    const std::string stat = harness::Slurp("/proc/" + std::to_string(process) + "/stat");
    const std::size_t name_end = stat.rfind(')');
    return name_end != std::string::npos && stat.compare(name_end, 3, ") Z") != 0;
  }

 private:
  std::filesystem::path program_;
  std::filesystem::path pids_;
};

bool Lives(pid_t process) { return ForeignTrial::Lives(process); }

TEST(Processes, TrialsOutliveTheTemplateAndANewOneServesTheNext) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 2);
  const std::string sweep = cluster.Submit(
      ProbeSweep("template", "steps: 100, step_ms: 10", "seeds: [0, 1, 2, 3, 4, 5]\n"));
  ASSERT_TRUE(
      cluster.WaitSql("state.db", "SELECT count(*) FROM attempt WHERE state = 'running'", "2", 30))
      << agent->Log();
  const std::vector<pid_t> running = agent->Trials();
  ASSERT_EQ(running.size(), 2U);
  const pid_t first = agent->Template();
  ASSERT_GT(first, 0);
  ASSERT_EQ(::kill(first, SIGKILL), 0);
  ASSERT_TRUE(WaitUntil([&] { return !Lives(first); }, 30));
  for (const pid_t trial : running) EXPECT_TRUE(Lives(trial));
  ASSERT_TRUE(WaitUntil([&] { return agent->Template() > 0; }, 30)) << agent->Log();
  ASSERT_TRUE(cluster.WaitEnded(sweep, 6, 60)) << agent->Log();
  ExpectEachSucceededOnce(cluster, sweep, 6);
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM attempt"), "6") << agent->Log();
}

TEST(Processes, NothingIsLeftOfAKilledAgentAndItsSpoolIsDelivered) {
  Cluster cluster({"--lease", "2s", "--heartbeat", "500ms"});
  auto agent = cluster.StartAgent("a", 2);
  const std::string sweep = cluster.Submit(
      ProbeSweep("left", "steps: 400, step_ms: 10, checkpoint_every: 20", "seeds: [0, 1]\n"));
  const std::string points =
      "SELECT count(*) FROM trial_point WHERE attempt <= 2 AND name = 'train/loss'";
  ASSERT_TRUE(WaitUntil([&] { return cluster.Sql("metrics.db", points) > "0"; }, 30));
  // What the trials say now stays in the spool.
  cluster.KillDaemon();
  const std::vector<pid_t> trials = agent->Trials();
  ASSERT_EQ(trials.size(), 2U);
  const std::string stored = cluster.Sql("metrics.db", points);
  const auto spooled = [&] {
    std::uintmax_t bytes = 0;
    std::error_code ignored;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(cluster.path() / "a/spool", ignored)) {
      if (entry.is_regular_file(ignored)) bytes += entry.file_size(ignored);
    }
    return bytes;
  };
  const std::uintmax_t before = spooled();
  ASSERT_TRUE(WaitUntil([&] { return spooled() >= before + 2'000; }, 30)) << spooled();
  const pid_t process = agent->Template();
  agent->program().Kill();
  for (const pid_t trial : trials) EXPECT_TRUE(WaitUntil([&] { return !Lives(trial); }, 10));
  EXPECT_TRUE(process == 0 || WaitUntil([&] { return !Lives(process); }, 10));

  cluster.RestartDaemon();
  agent = cluster.StartAgent("a", 2);
  ASSERT_TRUE(cluster.WaitEnded(sweep, 2, 60)) << agent->Log();
  ExpectEachSucceededOnce(cluster, sweep, 2);
  EXPECT_GT(std::stoi(cluster.Sql("metrics.db", points)), std::stoi(stored));
  // Lost with the agent, not crashed; and each went on from a checkpoint.
  EXPECT_EQ(cluster.Sql("state.db",
                        "SELECT group_concat(failure || ' ' || detail, ', ') FROM attempt WHERE "
                        "number = 1"),
            "lost the worker's agent was restarted, lost the worker's agent was restarted");
  EXPECT_EQ(cluster.Sql("metrics.db",
                        "SELECT count(*) || ' ' || count(DISTINCT cell * 1000 + step) FROM "
                        "trial_point WHERE name = 'train/loss' AND NOT superseded"),
            "800 800");
  EXPECT_TRUE(WaitUntil([&] { return NothingLeftIn(cluster.path() / "a"); }, 30)) << agent->Log();
}

TEST(Processes, ChildrenOfTrialsGoWithAKilledAgent) {
  Cluster cluster({"--lease", "2s", "--heartbeat", "500ms"});
  const ForeignTrial program(cluster, "no");
  auto agent = cluster.StartAgent("a", 1, program.Options());
  cluster.Submit(ProbeSweep("children", "steps: 2", "retry: {lost_workers: 0}\n"));
  ASSERT_TRUE(WaitUntil([&] { return program.Children().size() == 2; }, 30)) << agent->Log();
  ASSERT_TRUE(cluster.WaitSql("state.db", "SELECT state FROM attempt", "running", 30));
  const std::vector<pid_t> children = program.Children();
  agent->program().Kill();
  agent = cluster.StartAgent("a", 1, program.Options());
  for (const pid_t child : children) {
    EXPECT_TRUE(WaitUntil([&] { return !Lives(child); }, 30)) << agent->Log();
  }
  EXPECT_TRUE(cluster.WaitSql("state.db", "SELECT failure FROM trial", "lost", 30));
}

TEST(Processes, ChildrenOfATrialGoWithIt) {
  Cluster cluster;
  const ForeignTrial program(cluster, "yes");
  const auto agent = cluster.StartAgent("a", 1, program.Options());
  const std::string sweep =
      cluster.Submit(ProbeSweep("children", "steps: 2", "retry: {crashes: 0}\n"));
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 30)) << agent->Log();
  EXPECT_EQ(cluster.Sql("state.db", "SELECT failure || ' ' || code FROM attempt"),
            "crashed(exit) 3");
  ASSERT_EQ(program.Children().size(), 2U);
  for (const pid_t child : program.Children()) {
    EXPECT_TRUE(WaitUntil([&] { return !Lives(child); }, 30)) << agent->Log();
  }
  // The last fifty lines, in order.
  const std::string tail = cluster.Sql("state.db", "SELECT log_tail FROM attempt");
  EXPECT_EQ(std::count(tail.begin(), tail.end(), '\n'), 50) << tail;
  EXPECT_EQ(tail.rfind("line 11\n", 0), 0U) << tail;
  EXPECT_NE(tail.find("line 60\n"), std::string::npos) << tail;
}

// A slot for each, so that none is quarantined for the failures of others.
TEST(Processes, EachKindOfFailureIsToldApart) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 6);
  const std::string sweep = cluster.Submit(
      "name: kinds\nobjective: {metric: val/accuracy, goal: maximize}\n"
      "resources: {device: cpu, memory_gib: 0.25}\nretry: {crashes: 0}\n"
      "stages:\n"
      "  ends: {recipe: probe, params: {steps: 3, fault_step: 1}, axes: {fault: [crash, exit, "
      "throw, "
      "nan, oom]}}\n"
      "  hangs: {recipe: probe, params: {steps: 3, fault_step: 1, fault: hang}, hang_timeout: "
      "2s}\n");
  ASSERT_TRUE(cluster.WaitEnded(sweep, 6, 60)) << agent->Log();
  EXPECT_EQ(cluster.Sql("state.db",
                        "SELECT group_concat(failure || ' ' || code, ', ') FROM (SELECT failure, "
                        "code FROM attempt ORDER BY stage, cell)"),
            "crashed(signal) 11, crashed(exit) 17, crashed(exception) 1, diverged 1, "
            "out_of_memory(host) 1, hung 0");
  EXPECT_EQ(cluster.Sql("state.db",
                        "SELECT count(*) FROM trial WHERE state = 'failed' AND reason <> '' AND "
                        "failure = (SELECT failure FROM attempt AS a WHERE a.stage = trial.stage "
                        "AND a.cell = trial.cell)"),
            "6");
  EXPECT_EQ(cluster.Sql("state.db", "SELECT detail FROM attempt WHERE stage = 0 AND cell = 2"),
            "probe: asked to throw at step 1");
}

std::string Ladder(const std::string& stages) {
  return "name: ladder\nobjective: {metric: val/accuracy, goal: maximize}\n"
         "resources: {device: cpu}\nretry: {crashes: 2, out_of_memory: 1}\nstages:\n" +
         stages;
}

// Stage, state and number of attempts of each trial.
std::string Ends(const Cluster& cluster) {
  return cluster.Sql("state.db",
                     "SELECT group_concat(stage || ' ' || state || failure || ' ' || attempts, "
                     "', ') FROM (SELECT stage, state, CASE state WHEN 'failed' THEN ' ' || "
                     "failure ELSE '' END AS failure, attempts FROM trial ORDER BY stage)");
}

TEST(Processes, CrashesAreTriedAgainWithABackOff) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 2);
  const std::string sweep = cluster.Submit(Ladder(
      "  twice: {recipe: probe, params: {steps: 20, step_ms: 20, checkpoint_every: 5, fault: exit, "
      "fault_step: 18, fault_attempts: 2}}\n"
      "  always: {recipe: probe, params: {steps: 20, fault: crash, fault_step: 3}}\n"));
  ASSERT_TRUE(cluster.WaitEnded(sweep, 2, 60)) << agent->Log();
  EXPECT_EQ(Ends(cluster), "0 succeeded 3, 1 failed crashed(signal) 3");
  // 1 s, then 2 s between the end of one attempt and the grant of the next.
  EXPECT_EQ(cluster.Sql("state.db",
                        "SELECT count(*) FROM attempt AS a JOIN attempt AS b ON b.stage = a.stage "
                        "AND b.number = a.number + 1 WHERE b.granted_ms - a.ended_ms >= 1000 * "
                        "a.number"),
            "4");
  // Each retry goes on from the newest checkpoint.
  EXPECT_EQ(cluster.Sql("state.db",
                        "SELECT count(*) FROM attempt WHERE stage = 0 AND resumed_from_step = 15"),
            "2");
}

TEST(Processes, WhatIsListedIsTriedAgainAndDivergenceIsNot) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 3);
  const std::string sweep = cluster.Submit(Ladder(
      "  diverges: {recipe: probe, params: {steps: 20, fault: nan, fault_step: 3, fault_attempts: "
      "1}}\n"
      "  memory: {recipe: probe, params: {steps: 20, fault: oom, fault_step: 3, fault_attempts: "
      "1}, "
      "resources: {memory_gib: 0.25}}\n"
      "  hangs: {recipe: probe, params: {steps: 20, fault: hang, fault_step: 3, fault_attempts: "
      "1}, "
      "hang_timeout: 2s}\n"));
  ASSERT_TRUE(cluster.WaitEnded(sweep, 3, 60)) << agent->Log();
  EXPECT_EQ(Ends(cluster), "0 failed diverged 1, 1 succeeded 2, 2 succeeded 2");
}

}  // namespace
}  // namespace fusor::integration
