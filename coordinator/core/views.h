#pragma once

// What the core shows of itself.

#include "coordinator/core/snapshot.h"
#include "coordinator/core/world.h"

namespace fusor::core {

CoreView ViewOf(const World& world);
SweepView ViewOf(const Sweep& sweep);
TrialView ViewOf(const World& world, const TrialKey& key);
AttemptView ViewOf(const Attempt& attempt);

}  // namespace fusor::core
