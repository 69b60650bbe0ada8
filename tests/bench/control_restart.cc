// How long a coordinator with a past is away: 100,000 finished and 10,000 live trials, 5 GiB of
// metrics, 1,000 workers that come back.

#include <sqlite3.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/bench/control_bench.h"
#include "tests/bench/sim_worker.h"
#include "tests/bench/sweeps.h"
#include "tests/harness/client.h"
#include "tests/harness/program.h"
#include "tests/harness/wait.h"

namespace fusor::bench {

using harness::Client;
using harness::Daemon;
using harness::Folder;
using harness::NowSeconds;

namespace {

constexpr std::uint64_t kMetricsBytes = 5ULL << 30;

// Log text until the file has its size: how many rows it holds does not matter to a start, its
// bytes might.
void FillMetrics(const std::filesystem::path& file) {
  sqlite3* db = nullptr;
  std::string sql =
      "PRAGMA synchronous=OFF; CREATE TABLE IF NOT EXISTS bench_ballast(id INTEGER PRIMARY KEY, b "
      "BLOB);"
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
      std::to_string(kMetricsBytes >> 20) +
      ") INSERT INTO bench_ballast(b) SELECT zeroblob(1048576 - 512) FROM n;"
      "PRAGMA wal_checkpoint(TRUNCATE);";
  if (sqlite3_open(file.c_str(), &db) != SQLITE_OK ||
      sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    std::fprintf(stderr, "%s: %s\n", file.c_str(), sqlite3_errmsg(db));
    std::exit(1);
  }
  sqlite3_close(db);
}

void FinishTrials(const Daemon& daemon, Client& client) {
  SimWorkers workers({.address = daemon.address(), .token = daemon.token(), .first_index = 5'000});
  client.Submit(ProbeSweep("finished", 100'000, 60));
  if (!workers.WaitUntil([](const auto& counts) { return counts.finished >= 100'000; }, 120)) {
    Abandon("100,000 finished trials");
  }
}

}  // namespace

void MeasureRestart(Report& report) {
  Folder folder;
  const std::filesystem::path data = folder.path() / "data";
  auto daemon = std::make_unique<Daemon>(data);
  {
    Client client(*daemon);
    FinishTrials(*daemon, client);
    client.Submit(ProbeSweep("live", 20'000, 50));
  }
  SimWorkers workers({.address = daemon->address(),
                      .token = daemon->token(),
                      .connections = 1'000,
                      .slots = 10,
                      .trial = SimWorkerOptions::Trial::kHeld});
  if (!workers.WaitUntil([](const auto& counts) { return counts.started >= 10'000; }, 60)) {
    Abandon("10,000 live trials");
  }
  const std::string address = daemon->address();
  daemon->program().Kill();
  FillMetrics(data / "metrics.db");

  const double begin = NowSeconds();
  daemon = std::make_unique<Daemon>(data, address);
  SimWorkers newcomer({.address = address,
                       .token = daemon->token(),
                       .connections = 1,
                       .slots = 1,
                       .trial = SimWorkerOptions::Trial::kHeld,
                       .first_index = 9'000});
  workers.Reconnect(address);
  if (!newcomer.WaitUntil([](const auto& counts) { return counts.started == 1; }, 60) ||
      !workers.WaitUntil([](const auto& counts) { return counts.welcomed >= 2'000; }, 60)) {
    Abandon("the first placement");
  }
  report.Add({.name = "start until first placement, 110,000 trials, 5 GiB, 1,000 workers",
              .value = newcomer.counts().last_start_seconds - begin,
              .unit = "s",
              .target = 2,
              .smaller_is_better = true});
}

}  // namespace fusor::bench
