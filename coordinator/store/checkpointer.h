#pragma once

// Moves what the write-ahead log holds into the database file, on the writer's thread between two
// transactions, and knows how long the log has become.

#include <cstdint>
#include <memory>

#include "common/base/status.h"
#include "coordinator/store/sqlite.h"

namespace fusor {

class Checkpointer {
 public:
  // Watches `database`, which must live on under this handle as long as the Checkpointer.
  Checkpointer(const sql::Database& database, std::int64_t every_pages);

  // After each commit: a checkpoint when the log has grown by `every_pages`. It never waits for
  // readers; what they still need is moved next time. An error is kept for last_error(): the commit
  // stands.
  void AfterCommit();

  // Bytes of the log that the next reader has to look through.
  std::uint64_t wal_bytes() const;
  const Status& last_error() const { return last_error_; }

 private:
  sqlite3* connection_;
  std::int64_t every_pages_;
  std::int64_t page_size_ = 0;
  std::int64_t due_pages_;
  std::unique_ptr<int> pages_;  // written by SQLite's hook, so its place must not move
  Status last_error_;
};

}  // namespace fusor
