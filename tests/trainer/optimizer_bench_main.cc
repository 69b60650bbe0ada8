// trainer_optimizer_bench [THREADS]: prints what MeasureOptimizer() finds.

#include <ATen/Parallel.h>

#include <cstdio>
#include <cstdlib>

#include "tests/trainer/optimizer_bench.h"

int main(int argc, char** argv) {
  if (argc > 1) at::set_num_threads(std::atoi(argv[1]));
  const fusor::OptimizerTimes times = fusor::MeasureOptimizer(15);
  std::printf("%lld parameters, %d threads\n", static_cast<long long>(times.parameters),
              at::get_num_threads());
  std::printf("unscale, norm, clip, AdamW, bf16 copy   %6.1f ms\n", times.step_ms);
  std::printf("the same, gradients in one buffer       %6.1f ms\n", times.flat_step_ms);
  std::printf("the same by LibTorch's kernels          %6.1f ms\n", times.framework_ms);
  std::printf("SGD with momentum alone                 %6.1f ms\n", times.sgd_ms);
  std::printf("plain copy of the same bytes            %6.1f ms\n", times.copy_ms);
  return 0;
}
