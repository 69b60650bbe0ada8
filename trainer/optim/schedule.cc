#include "trainer/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fusor {
namespace {

// 0 at `from`, 1 at `to` and beyond.
double Share(double from, double to, double at) {
  return at >= to ? 1 : std::max(0.0, (at - from) / (to - from));
}

double AlongCosine(double from, double to, double share) {
  return to + (from - to) * 0.5 * (1 + std::cos(std::numbers::pi * share));
}

}  // namespace

double Schedule::At(std::int64_t step) const {
  const ScheduleOptions& o = options_;
  if (o.shape == ScheduleOptions::Shape::kOneCycle) return OneCycle(step, o.steps);
  if (step >= o.warm_up_steps) return Shaped(step - o.warm_up_steps, o.steps - o.warm_up_steps);
  return o.warm_up_from + (o.rate - o.warm_up_from) * WarmUpShare(step);
}

double Schedule::WarmUpShare(std::int64_t step) const {
  const auto s = static_cast<double>(step);
  const auto steps = static_cast<double>(options_.warm_up_steps);
  if (options_.warm_up == ScheduleOptions::WarmUp::kLinear) return s / steps;
  return std::log(s + 1) / std::log(std::max(2.0, steps));
}

double Schedule::Shaped(std::int64_t step, std::int64_t steps) const {
  const ScheduleOptions& o = options_;
  switch (o.shape) {
    case ScheduleOptions::Shape::kStep:
      return o.rate * std::pow(o.step_factor, static_cast<double>(step / o.step_every));
    case ScheduleOptions::Shape::kLinear:
      return o.rate +
             (o.floor - o.rate) * Share(0, static_cast<double>(steps), static_cast<double>(step));
    case ScheduleOptions::Shape::kCosine:
      return CosineRate(o.rate, o.floor, step, steps);
    case ScheduleOptions::Shape::kConstant:
    case ScheduleOptions::Shape::kOneCycle:
      break;
  }
  return o.rate;
}

double Schedule::OneCycle(std::int64_t step, std::int64_t steps) const {
  const double start = options_.rate / options_.cycle_start_divisor;
  const double end = start / options_.cycle_end_divisor;
  const double last = static_cast<double>(steps) - 1;
  const double top = options_.cycle_rise * static_cast<double>(steps) - 1;
  const auto s = static_cast<double>(step);
  if (s <= top) return AlongCosine(start, options_.rate, Share(0, top, s));
  return AlongCosine(options_.rate, end, Share(top, last, s));
}

double CosineRate(double base, double floor, std::int64_t step, std::int64_t steps) {
  double done =
      steps <= 0 ? 1 : std::min(1.0, static_cast<double>(step) / static_cast<double>(steps));
  return floor + (base - floor) * 0.5 * (1 + std::cos(std::numbers::pi * done));
}

}  // namespace fusor
