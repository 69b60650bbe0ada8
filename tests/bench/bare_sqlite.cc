#include "tests/bench/bare_sqlite.h"

#include <sqlite3.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/harness/wait.h"

namespace fusor::bench {

namespace {

using harness::NowSeconds;

class Database {
 public:
  explicit Database(const std::filesystem::path& file) {
    std::filesystem::remove(file);
    Require(sqlite3_open(file.c_str(), &db_));
    Run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;");
  }
  ~Database() { sqlite3_close(db_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void Require(int code) {
    if (code == SQLITE_OK || code == SQLITE_DONE) return;
    std::fprintf(stderr, "bare SQLite: %s\n", sqlite3_errmsg(db_));
    std::exit(1);
  }
  void Run(const char* sql) { Require(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr)); }
  sqlite3* get() { return db_; }

 private:
  sqlite3* db_ = nullptr;
};

class Statement {
 public:
  Statement(Database& db, const char* sql) : db_(db) {
    db.Require(
        sqlite3_prepare_v3(db.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr));
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& Int(int index, std::int64_t value) {
    sqlite3_bind_int64(statement_, index, value);
    return *this;
  }
  Statement& Real(int index, double value) {
    sqlite3_bind_double(statement_, index, value);
    return *this;
  }
  Statement& Text(int index, const char* value) {
    sqlite3_bind_text(statement_, index, value, -1, SQLITE_STATIC);
    return *this;
  }
  void Step() {
    db_.Require(sqlite3_step(statement_));
    sqlite3_reset(statement_);
  }

 private:
  Database& db_;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace

double BareSqliteTrialsPerSecond(const std::filesystem::path& file) {
  constexpr std::int64_t kTrials = 100'000;
  constexpr std::int64_t kPerCommit = 256;
  Database db(file);
  db.Run(
      "CREATE TABLE trial(sweep INT, cell INT, state TEXT, attempts INT, name TEXT, objective REAL,"
      " params TEXT, PRIMARY KEY (sweep, cell)) WITHOUT ROWID;"
      "CREATE TABLE attempt(id INTEGER PRIMARY KEY, cell INT, state TEXT, worker INT, slot INT,"
      " reason TEXT, granted INT, ended INT);"
      "CREATE TABLE event(id INTEGER PRIMARY KEY, time INT, kind TEXT, cell INT, detail TEXT);"
      "CREATE TABLE evaluation(attempt INT, name TEXT, value REAL, PRIMARY KEY (attempt, name))"
      " WITHOUT ROWID;");
  Statement trial(db, "INSERT INTO trial VALUES (1, ?1, 'running', 1, ?2, 0, ?3)");
  Statement attempt(db, "INSERT INTO attempt VALUES (?1, ?1, 'granted', 1, 1, ?2, 1, 0)");
  Statement event(db, "INSERT INTO event VALUES (?1, 1, ?2, ?3, ?4)");
  Statement evaluation(db, "INSERT INTO evaluation VALUES (?1, 'val/accuracy', 0.5)");
  Statement start(db, "UPDATE attempt SET state = 'running' WHERE id = ?1");
  Statement end(db, "UPDATE attempt SET state = 'ended', ended = 2 WHERE id = ?1");
  Statement finish(
      db, "UPDATE trial SET state = 'succeeded', objective = 0.5 WHERE sweep = 1 AND cell = ?1");
  const char* params =
      "{\"batch_size\":64,\"learning_rate\":0.1,\"matrix\":256,\"precision\":\"fp32\"}";
  const double begin = NowSeconds();
  for (std::int64_t first = 1; first <= kTrials; first += kPerCommit) {
    const std::int64_t last = std::min(first + kPerCommit - 1, kTrials);
    db.Run("BEGIN");
    for (std::int64_t i = first; i <= last; ++i) {
      trial.Int(1, i).Text(2, "task-1-64-256").Text(3, params).Step();
      attempt.Int(1, i).Text(2, "first in line; a free slot").Step();
      event.Int(1, 2 * i).Text(2, "trial_moved").Int(3, i).Text(4, "ready -> running").Step();
    }
    db.Run("COMMIT");
    db.Run("BEGIN");
    for (std::int64_t i = first; i <= last; ++i) {
      start.Int(1, i).Step();
      evaluation.Int(1, i).Step();
      end.Int(1, i).Step();
      finish.Int(1, i).Step();
      event.Int(1, 2 * i + 1)
          .Text(2, "trial_moved")
          .Int(3, i)
          .Text(4, "running -> succeeded")
          .Step();
    }
    db.Run("COMMIT");
  }
  return kTrials / (NowSeconds() - begin);
}

double BareSqlitePointsPerSecond(const std::filesystem::path& file, std::uint64_t points) {
  constexpr std::int64_t kSeries = 10;
  constexpr std::int64_t kSteps = 100;  // of each series in one go, as a fact brings them
  constexpr int kFactsPerCommit = 100;
  Database db(file);
  db.Run(
      "CREATE TABLE point(series INTEGER NOT NULL, step INTEGER NOT NULL, value REAL NOT NULL,"
      " nonfinite INTEGER NOT NULL, time_ms INTEGER NOT NULL, fact INTEGER NOT NULL,"
      " PRIMARY KEY (series, step)) STRICT, WITHOUT ROWID;");
  Statement insert(db, "INSERT INTO point VALUES (?1, ?2, ?3, 0, 1700000000000, ?4)");
  const double begin = NowSeconds();
  std::uint64_t done = 0;
  for (std::int64_t fact = 0; done < points;) {
    db.Run("BEGIN");
    for (int i = 0; i < kFactsPerCommit && done < points; ++i, ++fact) {
      for (std::int64_t series = 0; series < kSeries; ++series) {
        for (std::int64_t step = fact * kSteps; step < (fact + 1) * kSteps; ++step, ++done) {
          insert.Int(1, series).Int(2, step).Real(3, 0.25).Int(4, fact).Step();
        }
      }
    }
    db.Run("COMMIT");
  }
  return static_cast<double>(done) / (NowSeconds() - begin);
}

std::uint64_t CountRows(const std::filesystem::path& file, const std::string& table) {
  sqlite3* db = nullptr;
  sqlite3_stmt* statement = nullptr;
  const std::string sql = "SELECT count(*) FROM " + table;
  if (sqlite3_open_v2(file.c_str(), &db, SQLITE_OPEN_READONLY, nullptr) != SQLITE_OK ||
      sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK ||
      sqlite3_step(statement) != SQLITE_ROW) {
    std::fprintf(stderr, "%s: %s\n", file.c_str(), sqlite3_errmsg(db));
    std::exit(1);
  }
  const auto rows = static_cast<std::uint64_t>(sqlite3_column_int64(statement, 0));
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return rows;
}

}  // namespace fusor::bench
