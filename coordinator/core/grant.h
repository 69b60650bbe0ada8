#pragma once

// A trial gets slots: its next attempt, its lease, and what its workers are told.

#include "coordinator/core/placement.h"
#include "coordinator/core/world.h"

namespace fusor::core {

void Grant(Turn& turn, ClassQueue& queue, std::uint64_t cell, const Placement& placement);

// What the worker of the part is told; the same whenever it is asked for.
StartMessage StartOf(const Attempt& attempt, const Part& part);

}  // namespace fusor::core
