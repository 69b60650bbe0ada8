#include "trainer/optim/optimizer.h"

#include <ATen/core/grad_mode.h>

#include "common/base/check.h"

namespace fusor {
namespace {

bool OnGpu(std::span<const ParameterGroup> groups) {
  for (const ParameterGroup& group : groups) {
    if (!group.parameters.empty()) return !group.parameters[0].value.is_cpu();
  }
  return false;
}

OptimizerOptions Resolved(OptimizerOptions options, std::span<const ParameterGroup> groups) {
  if (OnGpu(groups)) options.kernels = Kernels::kFramework;
  if (options.kernels == Kernels::kFramework) options.gradients = GradientMemory::kFlat;
  return options;
}

std::vector<ParameterGroup> OneGroup(const OptimizerOptions& options,
                                     const ParameterSet& parameters) {
  return {{"", parameters.trained, options.weight_decay}};
}

}  // namespace

Optimizer::Optimizer(const OptimizerOptions& options, std::span<const ParameterGroup> groups)
    : state_(Resolved(options, groups), groups) {
  if (state_.options.kernels == Kernels::kFramework) {
    framework_.emplace(state_);
  } else {
    host_.emplace(state_);
  }
  const bool momentum =
      options.algorithm == Algorithm::kSgd || options.algorithm == Algorithm::kLion;
  NameMoment(momentum ? "momentum." : "mean.", state_.first, 0);
  NameMoment("square.", state_.second, state_.second_begin);
  named_.push_back({"step", state_.steps});
}

Optimizer::Optimizer(const OptimizerOptions& options, const ParameterSet& parameters)
    : Optimizer(options, OneGroup(options, parameters)) {}

void Optimizer::NameMoment(const char* name, const at::Tensor& buffer, std::int64_t begin) {
  if (!buffer.defined()) return;
  for (const Slot& slot : state_.parameters.slots()) {
    if (slot.offset < begin) continue;
    named_.push_back({name + slot.name, state_.parameters.View(buffer, slot, begin)});
  }
}

StepReport Optimizer::Step(const StepInput& input) {
  const std::size_t groups = state_.parameters.groups();
  CHECK(input.rates.size() == 1 || input.rates.size() == groups);
  CHECK(input.clip_norms.empty() || (input.clip_norms.size() == groups && input.clip_norm == 0));
  at::NoGradGuard no_grad;
  return framework_ ? framework_->Run(input) : host_->Run(input);
}

void Optimizer::ClearGradients() {
  at::NoGradGuard no_grad;
  state_.ClearGradients(OptimizerState::Zero::kNow);
}

void Optimizer::Restored() {
  if (state_.copy.defined()) state_.copy.copy_(state_.parameters.values());
}

std::vector<NamedTensor> Optimizer::Copies() const {
  std::vector<NamedTensor> copies;
  if (!state_.copy.defined()) return copies;
  for (const Slot& slot : state_.parameters.slots()) {
    copies.push_back({slot.name, state_.parameters.View(state_.copy, slot)});
  }
  return copies;
}

}  // namespace fusor
