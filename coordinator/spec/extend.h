#pragma once

// `fusor extend`: more seeds for a sweep that is there already.

#include <cstdint>
#include <vector>

#include "common/base/status.h"
#include "coordinator/core/spec.h"

namespace fusor {

// The sweep with further seeds in every stage that has the sweep's. The seed is the slowest
// dimension, so every old cell keeps its number, its parameters and its inputs. Refused when a seed
// is there already, when no stage has the sweep's seeds, when a stage collects them (its old trials
// would get other inputs), or beyond the limits.
Result<SweepSpec> ExtendSeeds(const SweepSpec& sweep, const std::vector<std::int64_t>& seeds);

}  // namespace fusor
