#pragma once

// How long the optimiser's pass takes over the weights of a WRN-28-10.

#include <cstdint>

namespace fusor {

struct OptimizerTimes {
  std::int64_t parameters = 0;
  double step_ms = 0;       // unscale, global norm, clip, AdamW, bf16 copy
  double flat_step_ms = 0;  // the same with gradients in one buffer, which it clears
  double sgd_ms = 0;        // momentum and decay alone
  double framework_ms = 0;  // the first by LibTorch's fused AdamW
  double copy_ms = 0;       // a plain copy that reads and writes as many bytes as the first
};

// Medians of `rounds`, on as many threads as LibTorch has.
OptimizerTimes MeasureOptimizer(int rounds);

}  // namespace fusor
