#pragma once

// Why is a trial not running?

#include <string>
#include <vector>

#include "coordinator/core/snapshot.h"
#include "coordinator/core/world.h"

namespace fusor::core {

// Reasons in order of weight; empty when it runs or is over, but for a skipped one.
std::vector<std::string> ExplainTrial(const World& world, const TrialKey& key, Time now);
// The first trials because of which this one is skipped.
std::vector<TrialKey> SkippedBecauseOf(const World& world, const TrialKey& key);

// How well the present workers serve the requirement.
FitReport FitOf(const World& world, const Demand& demand);

}  // namespace fusor::core
