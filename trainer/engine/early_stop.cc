#include "trainer/engine/early_stop.h"

#include <cmath>
#include <cstdio>

namespace fusor {
namespace {

std::string Short(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

}  // namespace

void EarlyStop::Add(std::int64_t step, double value) {
  const double gain = objective_.maximize ? value - state_.best : state_.best - value;
  const bool better = state_.best_step < 0 ? !std::isnan(value) : gain > policy_.min_delta;
  if (better) {
    state_ = {.best = value, .best_step = step};
  } else {
    ++state_.stale;
  }
}

std::string EarlyStop::Reason() const {
  std::string text = "stopped early: " + objective_.metric;
  if (state_.best_step < 0) {
    text += " was never a number";
  } else {
    text += objective_.maximize ? " was not above " : " was not below ";
    text += Short(state_.best) + " of step " + std::to_string(state_.best_step);
    if (policy_.min_delta > 0) text += " by more than " + Short(policy_.min_delta);
  }
  return text + " in " + std::to_string(state_.stale) +
         (state_.stale == 1 ? " evaluation" : " evaluations");
}

}  // namespace fusor
