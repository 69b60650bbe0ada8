#pragma once

// Clears the rows of a removed sweep out of metrics.db.

#include <vector>

#include "common/base/id.h"
#include "common/base/status.h"
#include "coordinator/store/sqlite.h"

namespace fusor {

// One slice, inside the caller's transaction. True while there is more.
Result<bool> PurgeMetricsSlice(const sql::Database& database, SweepId sweep);

// Those that any row is of.
Result<std::vector<SweepId>> SweepsWithMetrics(const sql::Database& database);

// Removes everything of attempts with a larger number, inside the caller's transaction: after a
// restore their numbers are given out again.
Status DropAttemptsAfter(const sql::Database& database, AttemptId last);

}  // namespace fusor
