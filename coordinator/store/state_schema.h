#pragma once

// The schema of state.db, as migrations. docs/storage.md is its contract.

#include "coordinator/store/database_file.h"

namespace fusor {

const DatabaseFormat& StateFormat();

}  // namespace fusor
