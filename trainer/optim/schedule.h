#pragma once

// Learning rates as pure functions of the step.

#include <cstdint>

namespace fusor {

// Falls from `base` at step 0 along half a cosine to `floor` at `steps`.
double CosineRate(double base, double floor, std::int64_t step, std::int64_t steps);

}  // namespace fusor
