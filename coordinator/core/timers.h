#pragma once

// When the core wants to look at something again.

#include "coordinator/core/world.h"

namespace fusor::core {

// The worker is looked at then, or earlier.
void ArmWorker(World& world, Worker& worker, Time at);

// Everything that is due.
void RunTimers(Turn& turn);

Time NextTimer(const World& world);

}  // namespace fusor::core
