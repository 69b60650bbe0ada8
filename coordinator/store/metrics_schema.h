#pragma once

// The schema of metrics.db, as migrations. docs/storage.md is its contract.

#include "coordinator/store/database_file.h"

namespace fusor {

const DatabaseFormat& MetricsFormat();

}  // namespace fusor
