// The rows with real trial processes: daemon, agent, template and trainer as users run them.

#include <spawn.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/bench/control_bench.h"
#include "tests/bench/sweeps.h"
#include "tests/harness/client.h"
#include "tests/harness/program.h"
#include "tests/harness/wait.h"

namespace fusor::bench {

using harness::Client;
using harness::Daemon;
using harness::Folder;
using harness::NowSeconds;
using harness::Program;

namespace {

// A daemon, an agent with two slots, and one trial behind it: the template is warm.
class Cluster {
 public:
  Cluster()
      : daemon_(folder_.path() / "data"),
        client_(daemon_),
        worker_({harness::Binary("fusor-worker").string(), "--coordinator", daemon_.address(),
                 "--data", (folder_.path() / "worker").string(), "--token-file",
                 (folder_.path() / "data" / "token").string(), "--slots", "2", "--device", "cpu"},
                folder_.path() / "worker.log") {
    Run("name: warm\nobjective: {metric: val/accuracy, goal: maximize}\n"
        "stages: {s: {recipe: probe, params: {steps: 1, matrix: 16}}}\nseeds: [0, 1]\n",
        2, 60);
  }

  // Seconds from submit to the last end; the sweep in `sweep()`.
  double Run(const std::string& yaml, std::uint64_t trials, double patience) {
    const double begin = NowSeconds();
    sweep_ = client_.Submit(yaml);
    if (!client_.WaitEnded(sweep_, trials, patience)) Abandon("the trials' end");
    const double seconds = NowSeconds() - begin;
    if (client_.Counts(sweep_).succeeded != trials) Abandon("the trials' success");
    return seconds;
  }
  std::uint64_t sweep() const { return sweep_; }
  Client& client() { return client_; }

 private:
  Folder folder_;
  Daemon daemon_;
  Client client_;
  Program worker_;
  std::uint64_t sweep_ = 0;
};

double SpawnsPerSecond() {
  constexpr int kSpawns = 1'000;
  char program[] = "/bin/true";
  char* arguments[] = {program, nullptr};
  const double begin = NowSeconds();
  for (int i = 0; i < kSpawns / 2; ++i) {
    pid_t children[2];
    for (pid_t& child : children) {
      if (::posix_spawn(&child, program, nullptr, nullptr, arguments, nullptr) != 0) std::exit(1);
    }
    for (const pid_t child : children) ::waitpid(child, nullptr, 0);
  }
  return kSpawns / (NowSeconds() - begin);
}

}  // namespace

void MeasureProcesses(Report& report) {
  constexpr std::uint64_t kTrials = 1'000;
  Cluster cluster;
  const double seconds = cluster.Run(
      "name: processes\nobjective: {metric: val/accuracy, goal: maximize}\nstages: {s: {recipe: "
      "probe, params: {steps: 0}, axes: {batch_size: " +
          Range(100) + ", matrix: " + Range(10) + "}}}\n",
      kTrials, 120);
  report.Add({.name = "real trial processes, one agent, 2 slots",
              .value = kTrials / seconds,
              .unit = "1/s",
              .peer = "posix_spawn of /bin/true, two at a time:",
              .peer_value = SpawnsPerSecond(),
              .target = 150});
}

void MeasureTrialPoints(Report& report) {
  constexpr double kPoints = 1'000'000;
  Cluster cluster;
  const double seconds = cluster.Run(
      "name: points\nobjective: {metric: val/accuracy, goal: maximize}\n"
      "stages: {s: {recipe: probe, params: {steps: 20000, metrics_per_step: 50, matrix: 0}}}\n",
      1, 180);
  report.Add({.name = "metric points, one real trial process",
              .value = kPoints / seconds,
              .unit = "1/s",
              .target = 50'000});
}

void MeasureGrantToStep(Report& report) {
  constexpr std::uint64_t kTrials = 60;
  Cluster cluster;
  cluster.Run(
      "name: first-step\nobjective: {metric: val/accuracy, goal: maximize}\nmax_running: 1\n"
      "stages: {s: {recipe: probe, params: {steps: 1, metrics_per_step: 1, matrix: 256}, "
      "axes: {batch_size: " +
          Range(kTrials) + "}}}\n",
      kTrials, 120);
  const std::vector<double> times = cluster.client().GrantToFirstPointMillis(cluster.sweep(), "s");
  report.Add({.name = "grant to first step, probe with matrix 256, p50",
              .value = Median(times),
              .unit = "ms",
              .target = 30,
              .smaller_is_better = true});
}

}  // namespace fusor::bench
