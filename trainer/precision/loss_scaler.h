#pragma once

// Dynamic loss scaling for fp16: the loss is multiplied by a power of two so that small gradients
// stay above fp16's range, and the gradients are divided by it again. A step whose gradients
// overflowed is left out and lowers the scale; enough good ones raise it.

#include <cstdint>

#include "common/base/status.h"

namespace fusor {

struct LossScalerPolicy {
  double initial_scale = 65'536;
  double growth = 2;
  double backoff = 0.5;
  std::int64_t window = 2'000;  // good steps before the scale grows
  // The scale grows on the first good step after a whole window instead of on the window's last.
  bool grow_after_window = false;
  int hysteresis = 1;  // so many overflows lower the scale once; the rest are forgiven
  // The allowance is filled up by each good step; otherwise when the scale grows.
  bool refill_each_step = false;
  double scale_min = 1;
  double scale_max = 16'777'216;
  bool fail_at_min = false;  // an overflow at the smallest scale is an error

  // As torch.amp.GradScaler does it, within bounds that it does not have.
  static LossScalerPolicy Torch() { return {}; }
  // As DeepSpeed's DynamicLossScaler does it; it too has no upper bound.
  static LossScalerPolicy DeepSpeed();
};

class LossScaler {
 public:
  // What a checkpoint keeps.
  struct State {
    double scale = 65'536;
    std::int64_t good_steps = 0;  // since the last overflow or growth
    int overflows_left = 1;       // until one lowers the scale
  };

  explicit LossScaler(const LossScalerPolicy& policy = {});
  LossScaler(const LossScalerPolicy& policy, const State& state) : policy_(policy), state_(state) {}

  double scale() const { return state_.scale; }
  const State& state() const { return state_; }

  void OnFinite();
  // Not ok when the policy gives up.
  Status OnOverflow();

 private:
  void Grow();

  LossScalerPolicy policy_;
  State state_;
};

}  // namespace fusor
