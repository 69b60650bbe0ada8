#include "trainer/precision/loss_scaler.h"

#include <algorithm>
#include <string>

namespace fusor {

LossScalerPolicy LossScalerPolicy::DeepSpeed() {
  return {.window = 1'000,
          .grow_after_window = true,
          .hysteresis = 2,
          .scale_min = 1,
          .fail_at_min = true};
}

LossScaler::LossScaler(const LossScalerPolicy& policy)
    : policy_(policy), state_{policy.initial_scale, 0, policy.hysteresis} {}

void LossScaler::OnFinite() {
  if (policy_.refill_each_step) state_.overflows_left = policy_.hysteresis;
  if (policy_.grow_after_window && state_.good_steps >= policy_.window) {
    Grow();
    state_.good_steps = 1;
  } else if (++state_.good_steps >= policy_.window && !policy_.grow_after_window) {
    Grow();
    state_.good_steps = 0;
  }
}

void LossScaler::Grow() {
  state_.scale = std::min(state_.scale * policy_.growth, policy_.scale_max);
  state_.overflows_left = policy_.hysteresis;
}

Status LossScaler::OnOverflow() {
  state_.good_steps = 0;
  if (state_.overflows_left > 1) {
    --state_.overflows_left;
    return Ok();
  }
  if (policy_.fail_at_min && state_.scale <= policy_.scale_min) {
    return FailedPrecondition("gradients overflow fp16 even at the smallest loss scale, " +
                              std::to_string(policy_.scale_min));
  }
  state_.scale = std::max(state_.scale * policy_.backoff, policy_.scale_min);
  return Ok();
}

}  // namespace fusor
