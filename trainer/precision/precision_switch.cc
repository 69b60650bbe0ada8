#include "trainer/precision/precision_switch.h"

#include <cmath>
#include <numeric>
#include <span>

namespace fusor {
namespace {

double Mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double Variance(std::span<const double> values) {
  const double mean = Mean(values);
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return sum / static_cast<double>(values.size());
}

}  // namespace

void PrecisionSwitch::AddLoss(std::int64_t step, double loss) {
  if (!std::isfinite(loss)) {
    state_ = {.full = true, .losses = {}};
    return;
  }
  if (policy_.every > 0) {
    if (step % policy_.every == 0) state_.full = !state_.full;
    return;
  }
  state_.losses.push_back(loss);
  if (state_.losses.size() > policy_.window) state_.losses.erase(state_.losses.begin());
  if (state_.losses.size() == policy_.window) state_.full = WantFull();
}

bool PrecisionSwitch::WantFull() const {
  const std::span<const double> losses = state_.losses;
  const double variance = Variance(losses);
  const std::size_t half = losses.size() / 2;
  const double rise = Mean(losses.last(half)) - Mean(losses.first(half));
  if (variance > policy_.restless || rise > policy_.rise) return true;
  if (variance < policy_.restless && rise < policy_.calm) return false;
  return state_.full;
}

}  // namespace fusor
