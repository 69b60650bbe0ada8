#include "tests/trainer/optimizer_bench.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "trainer/optim/optimizer.h"

namespace fusor {
namespace {

// A parameter: the gradient read twice, weight and moments read and written, the copy written.
constexpr std::int64_t kBytesMoved = 4 + 16 + 12 + 2;

void AddConv(ParameterSet& set, std::int64_t out, std::int64_t in) {
  const std::string name = "w" + std::to_string(set.trained.size());
  const at::Tensor weight =
      at::full({out, in, 3, 3}, 0.01, at::kFloat).contiguous(at::MemoryFormat::ChannelsLast);
  set.trained.push_back({name, at::Tensor(weight).requires_grad_(), true});
  for (const char* part : {".scale", ".shift"}) {
    set.trained.push_back({name + part, at::full({out}, 1.0, at::kFloat).requires_grad_(), false});
  }
}

ParameterSet WideResNet() {
  ParameterSet set;
  AddConv(set, 16, 3);
  std::int64_t in = 16;
  for (const std::int64_t width : {160, 320, 640}) {
    for (int layer = 0; layer < 8; ++layer, in = width) AddConv(set, width, in);
  }
  set.trained.push_back({"fc", at::full({100, 640}, 0.01, at::kFloat).requires_grad_(), true});
  return set;
}

double Median(int rounds, const std::function<void()>& prepare, const std::function<void()>& run) {
  std::vector<double> times;
  for (int round = -2; round < rounds; ++round) {
    prepare();
    const auto begun = std::chrono::steady_clock::now();
    run();
    const std::chrono::duration<double, std::milli> taken =
        std::chrono::steady_clock::now() - begun;
    if (round >= 0) times.push_back(taken.count());
  }
  std::nth_element(times.begin(), times.begin() + rounds / 2, times.end());
  return times[static_cast<std::size_t>(rounds / 2)];
}

double MeasureStep(int rounds, const OptimizerOptions& options, const StepInput& input) {
  ParameterSet set = WideResNet();
  Optimizer optimizer(options, set);
  const bool own = options.gradients == GradientMemory::kOwn && options.kernels == Kernels::kOwn;
  std::vector<at::Tensor> gradients;
  for (const Parameter& parameter : set.trained) {
    gradients.push_back(own ? at::empty_like(parameter.value.detach()) : parameter.value.grad());
  }
  return Median(
      rounds,
      [&] {
        for (std::size_t i = 0; i < gradients.size(); ++i) {
          gradients[i].fill_(input.loss_scale * 0.001);
          set.trained[i].value.mutable_grad() = gradients[i];
        }
      },
      [&] { optimizer.Step(input); });
}

}  // namespace

OptimizerTimes MeasureOptimizer(int rounds) {
  at::NoGradGuard no_grad;
  const StepInput whole{
      .rates = {1e-3}, .loss_scale = 65'536, .clip_norm = 1, .skip_nonfinite = true};
  OptimizerOptions adamw{
      .algorithm = Algorithm::kAdamW, .weight_decay = 0.01, .bfloat16_copy = true};
  OptimizerTimes times;
  times.parameters = WideResNet().Count();
  times.step_ms = MeasureStep(rounds, adamw, whole);
  adamw.gradients = GradientMemory::kFlat;
  times.flat_step_ms = MeasureStep(rounds, adamw, whole);
  adamw.kernels = Kernels::kFramework;
  times.framework_ms = MeasureStep(rounds, adamw, whole);
  times.sgd_ms = MeasureStep(rounds, {.weight_decay = 5e-4, .momentum = 0.9, .nesterov = true},
                             {.rates = {0.1}});
  const at::Tensor from = at::full({times.parameters * kBytesMoved / 2}, 1, at::kByte);
  at::Tensor to = at::zeros_like(from);
  times.copy_ms = Median(
      rounds, [] {}, [&] { to.copy_(from); });
  return times;
}

}  // namespace fusor
