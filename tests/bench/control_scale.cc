// The rows that need no trial process: simulated workers on real gRPC, real daemon, real disk.

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "tests/bench/bare_sqlite.h"
#include "tests/bench/control_bench.h"
#include "tests/bench/sim_worker.h"
#include "tests/bench/sweeps.h"
#include "tests/harness/client.h"
#include "tests/harness/program.h"
#include "tests/harness/wait.h"

namespace fusor::bench {

using harness::NowSeconds;

using harness::Client;
using harness::Daemon;
using harness::Folder;

namespace {

constexpr std::uint64_t kTrials = 100'000;

double FsyncP99Millis(const std::filesystem::path& folder) {
  const int file = ::open((folder / "fsync").c_str(), O_WRONLY | O_CREAT, 0600);
  std::vector<double> times;
  for (int i = 0; i < 200; ++i) {
    const double begin = NowSeconds();
    if (::pwrite(file, "x", 1, i) != 1 || ::fsync(file) != 0) std::exit(1);
    times.push_back((NowSeconds() - begin) * 1e3);
  }
  ::close(file);
  return Quantile(times, 0.99);
}

}  // namespace

void MeasureTrials(Report& report) {
  Folder folder;
  Daemon daemon(folder.path() / "data");
  Client client(daemon);
  SimWorkers workers({.address = daemon.address(), .token = daemon.token()});
  if (!workers.WaitUntil([](const auto& counts) { return counts.welcomed == 100; }, 30)) {
    Abandon("100 workers");
  }
  const double begin = NowSeconds();
  const std::uint64_t sweep = client.Submit(ProbeSweep("trials", kTrials, 50));
  if (!workers.WaitUntil([](const auto& counts) { return counts.finished >= kTrials; }, 120)) {
    Abandon("100,000 trials");
  }
  const double seconds = NowSeconds() - begin;
  if (client.Counts(sweep).succeeded != kTrials) Abandon("100,000 successes");
  report.Add({.name = "trials, 100 workers x 8 slots, synced",
              .value = kTrials / seconds,
              .unit = "1/s",
              .peer = "bare SQLite, the same rows, 256 trials a commit:",
              .peer_value = BareSqliteTrialsPerSecond(folder.path() / "bare.db"),
              .target = 20'000});
}

void MeasurePoints(Report& report) {
  Folder folder;
  constexpr std::uint64_t kPoints = 6'000'000;
  constexpr int kConnections = 4;
  double seconds = 0;
  {
    Daemon daemon(folder.path() / "data");
    Client client(daemon);
    SimWorkers workers({.address = daemon.address(),
                        .token = daemon.token(),
                        .connections = kConnections,
                        .slots = 1,
                        .trial = SimWorkerOptions::Trial::kMetrics,
                        .points_per_trial = kPoints / kConnections});
    const double begin = NowSeconds();
    client.Submit(
        "name: points\nobjective: {metric: val/accuracy, goal: maximize}\n"
        "stages: {s: {recipe: probe, params: {steps: 0}, axes: {batch_size: [1, 2, 3, 4]}}}\n");
    if (!workers.WaitUntil([](const auto& counts) { return counts.finished == 4; }, 120)) {
      Abandon("6,000,000 points");
    }
    seconds = NowSeconds() - begin;
  }
  if (CountRows(folder.path() / "data" / "metrics.db", "point") < kPoints)
    Abandon("6,000,000 rows");
  report.Add({.name = "metric points, simulated agents, synced",
              .value = static_cast<double>(kPoints) / seconds,
              .unit = "1/s",
              .peer = "bare bulk insert, same schema:",
              .peer_value = BareSqlitePointsPerSecond(folder.path() / "bare.db", kPoints),
              .target = 300'000,
              .target_ratio = 0.35});
}

void MeasureSubmitToLease(Report& report) {
  Folder folder;
  Daemon daemon(folder.path() / "data");
  Client client(daemon);
  // 100,000 trials of lower priority wait in the queue: the slots that suit them are taken, and the
  // free one is elsewhere.
  client.Submit(ProbeSweep("queued", 100'000, 10) + "resources: {labels: {pool: queued}}\n");
  SimWorkers workers({.address = daemon.address(),
                      .token = daemon.token(),
                      .connections = 1,
                      .slots = 7,
                      .trial = SimWorkerOptions::Trial::kHeld,
                      .label = "queued"});
  if (!workers.WaitUntil([](const auto& counts) { return counts.started == 7; }, 30)) {
    Abandon("a full worker");
  }
  SimWorkers free_one({.address = daemon.address(),
                       .token = daemon.token(),
                       .connections = 1,
                       .slots = 1,
                       .trial = SimWorkerOptions::Trial::kInstant,
                       .first_index = 1});
  if (!free_one.WaitUntil([](const auto& counts) { return counts.welcomed == 1; }, 30)) {
    Abandon("a free slot");
  }
  std::vector<double> times;
  for (std::uint64_t i = 0; i < 300; ++i) {
    const double begin = NowSeconds();
    client.Submit(
        "name: urgent\npriority: 90\nobjective: {metric: val/accuracy, goal: maximize}\n"
        "stages: {s: {recipe: probe, params: {steps: 0}}}\n");
    if (!free_one.WaitUntil([i](const auto& counts) { return counts.started > i; }, 10)) {
      Abandon("a lease");
    }
    times.push_back((free_one.counts().last_start_seconds - begin) * 1e3);
    free_one.WaitUntil([i](const auto& counts) { return counts.finished > i; }, 10);
  }
  const double fsync = FsyncP99Millis(folder.path());
  report.Add({.name = "submit to lease, 100,000 queued, p50",
              .value = Median(times),
              .unit = "ms",
              .target = 10,
              .smaller_is_better = true});
  report.Add({.name = "submit to lease, 100,000 queued, p99",
              .value = Quantile(times, 0.99),
              .unit = "ms",
              .peer = "one fsync, p99:",
              .peer_value = fsync,
              .target = 50,
              .smaller_is_better = true});
}

void MeasureMillionCells(Report& report) {
  Folder folder;
  Daemon daemon(folder.path() / "data");
  Client client(daemon);
  const std::string yaml =
      "name: million\nobjective: {metric: val/accuracy, goal: maximize}\nstages:\n  s:\n"
      "    recipe: probe\n    params: {steps: 0}\n    axes: {batch_size: " +
      Range(1'000) + ", expert: " + Range(10) + ", matrix: " + Range(100) +
      "}\n    exclude: [{batch_size: 3, expert: [1, 2]}, {expert: 7, matrix: [5, 6, 7]}]\n";
  client.Submit(
      "name: warm\nobjective: {metric: val/accuracy, goal: maximize}\n"
      "stages: {s: {recipe: probe, params: {steps: 0}}}\n");
  const double begin = NowSeconds();
  const std::uint64_t sweep = client.Submit(yaml);
  const double millis = (NowSeconds() - begin) * 1e3;
  report.Add({.name = "submit 1,000,000 cells with excludes",
              .value = millis,
              .unit = "ms",
              .target = 100,
              .smaller_is_better = true});
  // 1 % live: 10,000 slots hold a trial each.
  SimWorkers workers({.address = daemon.address(),
                      .token = daemon.token(),
                      .connections = 100,
                      .slots = 100,
                      .trial = SimWorkerOptions::Trial::kHeld});
  if (!workers.WaitUntil([](const auto& counts) { return counts.started >= 10'000; }, 60)) {
    Abandon("10,000 live trials");
  }
  if (client.Counts(sweep).running < 9'999) Abandon("10,000 running trials");
  report.Add({.name = "coordinator memory, 1,000,000 cells, 1 % live",
              .value = daemon.ResidentMiB(),
              .unit = "MiB",
              .target = 300,
              .smaller_is_better = true});
}

}  // namespace fusor::bench
