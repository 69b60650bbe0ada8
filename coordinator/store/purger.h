#pragma once

// Clears away the rows of removed sweeps, a bounded slice with each commit: removing a sweep of a
// million trials must not hold up the loop.

#include <cstdint>

#include "common/base/status.h"
#include "coordinator/store/sqlite.h"

namespace fusor {

class Purger {
 public:
  static Result<Purger> Prepare(const sql::Database& database);

  // A sweep was removed; there is something to do.
  void Wake() { pending_ = true; }
  bool pending() const { return pending_; }

  // One slice, inside the caller's transaction.
  Status Slice();

 private:
  Status PurgeEvents(std::int64_t sweep, std::int64_t next_event);

  sql::Statement select_purge_;
  sql::Statement drop_attempts_;
  sql::Statement drop_trials_;
  sql::Statement drop_evaluations_;
  sql::Statement discard_files_;
  sql::Statement drop_artifacts_;
  sql::Statement last_event_;
  sql::Statement drop_events_;
  sql::Statement set_next_event_;
  sql::Statement drop_purge_;
  sqlite3* connection_ = nullptr;
  bool pending_ = true;  // until a slice has found nothing to do
};

}  // namespace fusor
