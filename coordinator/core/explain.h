#pragma once

// Why is a trial not running?

#include <string>
#include <vector>

#include "coordinator/core/snapshot.h"
#include "coordinator/core/world.h"

namespace fusor::core {

Explanation ExplainTrial(const World& world, const TrialKey& key, Time now);

// How well the present workers serve the requirement.
FitReport FitOf(const World& world, const Demand& demand);

}  // namespace fusor::core
