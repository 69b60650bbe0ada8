#pragma once

// Puts the core's writes into the tables of state.db, inside the caller's transaction. Every write
// is one that may be repeated: after an error the same turn comes again.

#include <cstdint>
#include <memory>

#include "common/base/status.h"
#include "coordinator/core/write.h"
#include "coordinator/store/sqlite.h"
#include "coordinator/store/worker_rows.h"

namespace fusor {

// The highest numbers ever given. They outlive the rows that carried them.
struct LastNumbers {
  std::uint64_t attempt = 0;
  std::uint64_t artifact = 0;
  std::uint64_t event = 0;
  std::uint64_t sweep = 0;
  std::uint64_t worker = 0;
};

Result<LastNumbers> ReadLastNumbers(const sql::Database& database);

class StateWriter {
 public:
  // `database` outlives the writer.
  static Result<std::unique_ptr<StateWriter>> Prepare(const sql::Database& database);

  Status Apply(const Write& write);
  // Ends a group of Apply calls: writes the numbers that have grown.
  Status PutNumbers();
  // The transaction is committed.
  void Committed() { written_ = numbers_; }

 private:
  Status Put(const PutSweep& row);
  Status Put(const RemoveSweep& row);
  Status Put(const PutTrial& row);
  Status Put(const PutAttempt& row);
  Status Put(const PutCursor& row);
  Status Put(const PutEvaluation& row);
  Status Put(const PutArtifact& row);
  Status Put(const RemoveArtifact& row);
  Status Put(const PutWorker& row);
  Status Put(const PutEvent& row);
  Status Put(const PutRequest& row);

  sql::Statement put_sweep_;
  sql::Statement remove_sweep_;
  sql::Statement remove_leases_;
  sql::Statement put_purge_;
  sql::Statement put_trial_;
  sql::Statement put_attempt_;
  sql::Statement put_lease_;
  sql::Statement remove_lease_;
  sql::Statement move_cursor_;
  sql::Statement add_rank_;
  sql::Statement drop_earlier_evaluations_;
  sql::Statement put_evaluation_;
  sql::Statement put_artifact_;
  sql::Statement keep_file_;
  sql::Statement discard_file_;
  sql::Statement remove_artifact_;
  sql::Statement put_event_;
  sql::Statement put_request_;
  sql::Statement forget_requests_;
  sql::Statement put_number_;
  WorkerRows workers_;
  sqlite3* connection_ = nullptr;
  LastNumbers numbers_;  // given so far, written or not
  LastNumbers written_;  // committed
};

}  // namespace fusor
