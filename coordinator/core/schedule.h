#pragma once

// Once a turn: who starts where. Order: priority, then the sweep with the fewest slots in use, then
// age.

#include "coordinator/core/world.h"

namespace fusor::core {

void ScheduleTurn(Turn& turn);

}  // namespace fusor::core
