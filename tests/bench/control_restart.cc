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

// The rows that long trials leave: points of the series that are there, and lines of their logs
// until the file has its size.
void FillMetrics(const std::filesystem::path& file) {
  constexpr int kLineBytes = 8'000;
  sqlite3* db = nullptr;
  const std::string sql =
      "PRAGMA synchronous=OFF; PRAGMA cache_size=-200000;"
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)"
      " INSERT OR IGNORE INTO point SELECT s.id, 1000 + n.i, n.i, 0, 0, 0"
      " FROM (SELECT id FROM series ORDER BY id LIMIT 50000) AS s, n;"
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
      std::to_string(kMetricsBytes / (kLineBytes + 100)) +
      ") INSERT INTO log (sweep, id, attempt, rank, time_ms, is_error_stream, text)"
      " SELECT 1, 1000000000 + n.i, 1 + n.i % 100000, 0, 0, 0, zeroblob(" +
      std::to_string(kLineBytes) + ") FROM n; PRAGMA wal_checkpoint(TRUNCATE);";
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
