#include "trainer/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fusor {

double CosineRate(double base, double floor, std::int64_t step, std::int64_t steps) {
  double done =
      steps <= 0 ? 1 : std::min(1.0, static_cast<double>(step) / static_cast<double>(steps));
  return floor + (base - floor) * 0.5 * (1 + std::cos(std::numbers::pi * done));
}

}  // namespace fusor
