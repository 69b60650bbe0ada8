#include "trainer/optim/step.h"

#include <ATen/ops/zeros.h>

#include <cmath>
#include <limits>

namespace fusor {

bool StepReport::applied() const {
  return device_skipped_.defined() ? device_skipped_.item<float>() == 0 : applied_;
}

at::Tensor StepReport::NormThere() const {
  return device_norms_.defined() ? device_norms_.square().sum().sqrt() : at::Tensor();
}

double StepReport::norm() const {
  if (device_norms_.defined()) return NormThere().item<double>();
  if (norms_.empty()) return std::numeric_limits<double>::quiet_NaN();
  double squares = 0;
  for (const double norm : norms_) squares += norm * norm;
  return std::sqrt(squares);
}

double StepReport::norm(std::size_t group) const {
  if (device_norms_.defined()) {
    return device_norms_[static_cast<std::int64_t>(group)].item<double>();
  }
  return norms_.empty() ? std::numeric_limits<double>::quiet_NaN() : norms_[group];
}

OptimizerState::OptimizerState(const OptimizerOptions& given,
                               std::span<const ParameterGroup> groups)
    : options(given), parameters(groups) {
  const Algorithm algorithm = options.algorithm;
  if (algorithm != Algorithm::kSgd || options.momentum != 0) {
    first = parameters.NewBuffer(at::kFloat);
  }
  if (algorithm == Algorithm::kMuon) second_begin = parameters.matrices_end();
  if (algorithm != Algorithm::kSgd && algorithm != Algorithm::kLion) {
    second = parameters.NewBuffer(at::kFloat, second_begin);
  }
  if (options.bfloat16_copy) {
    copy = parameters.NewBuffer(at::kBFloat16);
    copy.copy_(parameters.values());
  }
  steps = at::zeros({}, at::TensorOptions(at::kLong).device(parameters.device()));
  if (options.gradients == GradientMemory::kOwn) return;
  gradients = parameters.NewBuffer(at::kFloat);
  for (const Slot& slot : parameters.slots()) {
    gradient_views.push_back(parameters.View(gradients, slot));
  }
  ClearGradients(Zero::kIsDone);
}

void OptimizerState::ClearGradients(Zero zero) {
  if (!gradients.defined()) {
    for (const Slot& slot : parameters.slots()) slot.value.mutable_grad() = at::Tensor();
    return;
  }
  if (zero == Zero::kNow) gradients.zero_();
  for (std::size_t i = 0; i < gradient_views.size(); ++i) {
    parameters.slots()[i].value.mutable_grad() = gradient_views[i];
  }
}

double ClipFactor(double norm, double max_norm) {
  return max_norm > 0 ? std::min(1.0, max_norm / (norm + 1e-6)) : 1;
}

double Gathered(double beta, std::int64_t step) {
  return 1 - std::pow(beta, static_cast<double>(step));
}

}  // namespace fusor
