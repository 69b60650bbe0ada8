#include "trainer/optim/framework_step.h"

#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/full.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/lerp.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include "common/base/check.h"
#include "trainer/optim/muon.h"

namespace fusor {
namespace {

at::Tensor Part1d(const at::Tensor& buffer, std::int64_t begin, std::int64_t end) {
  return buffer.defined() ? buffer.narrow(0, begin, end - begin) : buffer;
}

std::vector<at::Tensor> List(const at::Tensor& tensor) {
  return tensor.defined() ? std::vector<at::Tensor>{tensor} : std::vector<at::Tensor>{};
}

std::optional<at::Tensor> Maybe(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional(tensor) : std::nullopt;
}

// `target` becomes `value` unless the step is skipped. Chosen element by element: a product with 0
// would keep what is not finite.
void Assign(at::Tensor& target, const at::Tensor& value, const at::Tensor& skip) {
  target.copy_(skip.defined() ? at::where(skip.to(at::kBool), target, value) : value);
}

}  // namespace

FrameworkStep::FrameworkStep(OptimizerState& state) : state_(state) {
  CHECK(state.gradients.defined());
  const FlatParameters& all = state.parameters;
  for (const Segment& segment : all.segments()) {
    const std::int64_t begin = segment.begin;
    const std::int64_t end = segment.end;
    const std::int64_t second = state.second_begin;
    parts_.push_back({.segment = &segment,
                      .value = Part1d(all.values(), begin, end),
                      .gradient = Part1d(state.gradients, begin, end),
                      .first = Part1d(state.first, begin, end),
                      .rate = at::zeros({}, state.gradients.options())});
    if (begin >= second) {
      parts_.back().second = Part1d(state.second, begin - second, end - second);
    }
  }
}

StepReport FrameworkStep::Run(const StepInput& input) {
  GatherGradients();
  at::Tensor norms;
  at::Tensor skip;  // 1 or 0
  if (input.NeedsNorm()) {
    norms = GroupNorms(input.loss_scale);
    if (input.skip_nonfinite) {
      skip = at::isfinite(at::linalg_vector_norm(norms)).logical_not().to(at::kFloat);
    }
  }
  state_.steps.add_(1);
  if (skip.defined()) state_.steps.sub_(skip.to(at::kLong));
  const std::vector<Factors> factors = FactorsOf(input, norms);
  for (Part& part : parts_) Update(part, factors[part.segment->group], skip);
  if (state_.copy.defined()) state_.copy.copy_(state_.parameters.values());
  for (const Slot& slot : state_.parameters.slots()) {
    slot.value.unsafeGetTensorImpl()->bump_version();  // for autograd's checks
  }
  state_.ClearGradients(OptimizerState::Zero::kNow);
  return {norms, skip};
}

void FrameworkStep::GatherGradients() {
  const std::vector<Slot>& slots = state_.parameters.slots();
  for (std::size_t i = 0; i < slots.size(); ++i) {
    at::Tensor& view = state_.gradient_views[i];
    const at::Tensor& gradient = slots[i].value.grad();
    if (!gradient.defined()) {
      view.zero_();
    } else if (!gradient.is_alias_of(view)) {
      view.copy_(gradient);
    }
  }
}

at::Tensor FrameworkStep::GroupNorms(double loss_scale) const {
  std::vector<std::vector<at::Tensor>> norms(state_.parameters.groups());
  for (const Part& part : parts_) {
    norms[part.segment->group].push_back(at::linalg_vector_norm(part.gradient));
  }
  std::vector<at::Tensor> joined;
  for (const std::vector<at::Tensor>& group : norms) {
    joined.push_back(group.empty() ? at::zeros({}, state_.gradients.options())
                                   : at::linalg_vector_norm(at::stack(group)));
  }
  return at::stack(joined).div(loss_scale);
}

std::vector<FrameworkStep::Factors> FrameworkStep::FactorsOf(const StepInput& input,
                                                             const at::Tensor& norms) const {
  // (norm + 1e-6) / max_norm, at least 1: one over ClipFactor().
  const auto excess = [](const at::Tensor& norm, double max_norm) {
    return norm.add(1e-6).div(max_norm).clamp_min(1);
  };
  at::Tensor joint;
  if (input.clip_norm > 0) joint = excess(at::linalg_vector_norm(norms), input.clip_norm);
  std::vector<Factors> factors;
  for (std::size_t group = 0; group < state_.parameters.groups(); ++group) {
    at::Tensor divisor = joint;
    if (!input.clip_norms.empty() && input.clip_norms[group] > 0) {
      divisor = excess(norms[static_cast<std::int64_t>(group)], input.clip_norms[group]);
    }
    if (divisor.defined()) {
      divisor = divisor.mul(input.loss_scale);
    } else if (input.loss_scale != 1) {
      divisor = at::full({}, input.loss_scale, state_.gradients.options());
    }
    Factors own{.rate = input.RateOf(group), .divisor = divisor};
    if (input.rates_there.defined()) {
      own.rate_there = input.rates_there[static_cast<std::int64_t>(group)];
    }
    factors.push_back(own);
  }
  return factors;
}

void FrameworkStep::Update(Part& part, const Factors& factors, const at::Tensor& skip) {
  if (IsFrozen(*part.segment, factors.rate)) return;
  if (factors.rate_there.defined()) {
    CHECK(state_.options.RateMayBeThere());
    part.rate.copy_(factors.rate_there);
  } else {
    part.rate.fill_(factors.rate);
  }
  if (state_.options.algorithm == Algorithm::kLion) return UpdateLion(part, factors, skip);
  if (state_.options.algorithm == Algorithm::kMuon && part.segment->matrices) {
    return UpdateMuon(part, factors, skip);
  }
  UpdateFused(part, factors, skip);
}

void FrameworkStep::UpdateFused(Part& part, const Factors& factors, const at::Tensor& skip) {
  const OptimizerOptions& options = state_.options;
  const double decay = part.segment->weight_decay;
  const std::vector<at::Tensor> values = List(part.value);
  const std::vector<at::Tensor> gradients = List(part.gradient);
  const std::vector<at::Tensor> firsts = List(part.first);
  if (options.algorithm == Algorithm::kSgd) {
    // A zero moment makes the first step equal to torch's, which starts it from the gradient.
    at::_fused_sgd_(values, gradients, firsts, decay, options.momentum, part.rate, /*dampening=*/0,
                    options.nesterov, /*maximize=*/false, /*is_first_step=*/false,
                    Maybe(factors.divisor), Maybe(skip));
    return;
  }
  const std::vector<at::Tensor> seconds = List(part.second);
  const std::vector<at::Tensor> steps = {
      state_.steps.sub(part.segment->frozen_steps).clamp_min(1).to(at::kFloat)};
  const auto update = [&](auto kernel) {
    kernel(values, gradients, firsts, seconds, at::TensorList(), steps, part.rate, options.beta1,
           options.beta2, decay, options.epsilon, /*amsgrad=*/false, /*maximize=*/false,
           Maybe(factors.divisor), Maybe(skip));
  };
  if (options.algorithm == Algorithm::kAdam) {
    update([](auto&&... all) { at::_fused_adam_(all...); });
  } else {
    update([](auto&&... all) { at::_fused_adamw_(all...); });
  }
}

void FrameworkStep::UpdateLion(Part& part, const Factors& factors, const at::Tensor& skip) {
  const OptimizerOptions& options = state_.options;
  if (factors.divisor.defined()) part.gradient.div_(factors.divisor);
  const at::Tensor direction = at::lerp(part.gradient, part.first, options.beta1).sign_();
  const double keep = 1 - factors.rate * part.segment->weight_decay;
  Assign(part.value, part.value.mul(keep).sub_(direction.mul_(part.rate)), skip);
  Assign(part.first, at::lerp(part.gradient, part.first, options.beta2), skip);
}

void FrameworkStep::UpdateMuon(Part& part, const Factors& factors, const at::Tensor& skip) {
  const OptimizerOptions& options = state_.options;
  if (factors.divisor.defined()) part.gradient.div_(factors.divisor);
  const at::Tensor mean = at::lerp(part.first, part.gradient, 1 - options.momentum);
  const at::Tensor update =
      options.nesterov ? at::lerp(part.gradient, mean, options.momentum) : mean;
  at::Tensor value = part.value.clone();
  for (std::size_t i = part.segment->first_slot; i < part.segment->slots_end; ++i) {
    const Slot& slot = state_.parameters.slots()[i];
    const std::int64_t offset = slot.offset - part.segment->begin;
    at::Tensor matrix = value.narrow(0, offset, slot.count);
    ApplyMuon(options, {.rate = factors.rate, .decay = part.segment->weight_decay}, matrix,
              update.narrow(0, offset, slot.count).view({slot.value.size(0), -1}));
  }
  Assign(part.value, value, skip);
  Assign(part.first, mean, skip);
}

}  // namespace fusor
