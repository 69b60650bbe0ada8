#pragma once

// Dynamic loss scaling for fp16: the loss is multiplied by a power of two so that small gradients
// stay above fp16's range, and the gradients are divided by it again. A step whose gradients
// overflowed is left out and halves the scale; kGrowAfter good ones in a row double it.

#include <cstdint>

namespace fusor {

class LossScaler {
 public:
  struct State {
    double scale = 65'536;
    std::int64_t good_steps = 0;  // since the scale last changed
  };

  LossScaler() = default;
  explicit LossScaler(const State& state) : state_(state) {}

  double scale() const { return state_.scale; }
  const State& state() const { return state_; }

  void OnFinite();
  void OnOverflow();

 private:
  static constexpr std::int64_t kGrowAfter = 2'000;
  static constexpr double kScaleMin = 1;
  static constexpr double kScaleMax = 16'777'216;

  State state_;
};

}  // namespace fusor
