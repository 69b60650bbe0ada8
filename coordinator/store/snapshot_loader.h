#pragma once

// Reads from state.db what the core is restored from.

#include "common/base/status.h"
#include "coordinator/core/snapshot.h"
#include "coordinator/store/sqlite.h"
#include "coordinator/store/state_store.h"

namespace fusor {

Result<Snapshot> LoadSnapshot(const sql::Database& database, StateStore::ParseSpec parse);

}  // namespace fusor
