#pragma once

// A worker with its slots: two tables, written and read together.

#include <vector>

#include "common/base/status.h"
#include "coordinator/core/write.h"
#include "coordinator/store/sqlite.h"

namespace fusor {

class WorkerRows {
 public:
  static Result<WorkerRows> Prepare(const sql::Database& database);

  // Inside the caller's transaction.
  Status Write(const PutWorker& row);

 private:
  sql::Statement put_worker_;
  sql::Statement drop_slots_;
  sql::Statement put_slot_;
};

// All workers ever seen, by id.
Result<std::vector<PutWorker>> ReadWorkers(const sql::Database& database);

}  // namespace fusor
