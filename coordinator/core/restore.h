#pragma once

// From what state.db held back to what the core knew.

#include "coordinator/core/snapshot.h"
#include "coordinator/core/world.h"

namespace fusor::core {

// Every live attempt has a full lease from `now`; no worker is connected yet.
void Restore(World& world, const Snapshot& snapshot, Time now);

}  // namespace fusor::core
