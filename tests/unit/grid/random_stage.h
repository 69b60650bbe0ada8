#pragma once

// Stages made from a seed: every shape that a sweep file can lead to, small enough to enumerate.

#include <cstdint>

#include "common/base/random.h"
#include "coordinator/core/spec.h"

namespace fusor {

// Seeds first, plain axes, groups of axes that move together, exclude rules, now and then a draw.
StageSpec RandomStage(Random& random);

// A stage of plain axes with the values 0, 1, 2, ...; `sizes[0]` is the number of seeds.
StageSpec PlainStage(const std::vector<std::uint32_t>& sizes);

}  // namespace fusor
