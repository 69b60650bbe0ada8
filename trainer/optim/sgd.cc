#include "trainer/optim/sgd.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_amp_foreach_non_finite_check_and_unscale.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

namespace fusor {

Sgd::Sgd(const SgdOptions& options, const ParameterSet& parameters)
    : options_(options), groups_(2) {
  groups_[0].weight_decay = options.weight_decay;
  for (const Parameter& parameter : parameters.trained) {
    Group& group = groups_[parameter.decay ? 0 : 1];
    group.values.push_back(parameter.value);
    if (options.momentum == 0) continue;
    group.moments.push_back(at::zeros_like(parameter.value.detach()));
    state_.push_back({"momentum." + parameter.name, group.moments.back()});
  }
}

Sgd::Active Sgd::ActiveOf(const Group& group) {
  Active active;
  for (std::size_t i = 0; i < group.values.size(); ++i) {
    const at::Tensor& gradient = group.values[i].grad();
    if (!gradient.defined()) continue;
    active.values.push_back(group.values[i]);
    active.gradients.push_back(gradient);
    if (!group.moments.empty()) active.moments.push_back(group.moments[i]);
  }
  return active;
}

void Sgd::Step(double learning_rate) {
  at::NoGradGuard no_grad;
  for (const Group& group : groups_) {
    Active active = ActiveOf(group);
    if (active.values.empty()) continue;
    // A zero moment makes the first step equal to torch's, which starts it from the gradient.
    at::_fused_sgd_(active.values, active.gradients, active.moments, group.weight_decay,
                    options_.momentum, learning_rate, /*dampening=*/0, options_.nesterov,
                    /*maximize=*/false, /*is_first_step=*/false);
  }
  Skip();
}

void Sgd::Skip() {
  for (Group& group : groups_) {
    for (at::Tensor& value : group.values) value.mutable_grad() = at::Tensor();
  }
}

std::vector<at::Tensor> Sgd::Gradients() const {
  std::vector<at::Tensor> gradients;
  for (const Group& group : groups_) {
    for (const at::Tensor& value : group.values) {
      if (value.grad().defined()) gradients.push_back(value.grad());
    }
  }
  return gradients;
}

bool Sgd::Unscale(double scale) {
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients = Gradients();
  if (gradients.empty()) return true;
  const at::TensorOptions options = gradients[0].options();
  at::Tensor overflow = at::zeros({1}, options);
  at::_amp_foreach_non_finite_check_and_unscale_(gradients, overflow,
                                                 at::full({1}, 1 / scale, options));
  return overflow.item<float>() == 0;
}

double Sgd::ClipGradients(double max_norm) {
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients = Gradients();
  if (gradients.empty()) return 0;
  at::Tensor norms = at::stack(at::_foreach_norm(gradients));
  double norm = at::linalg_vector_norm(norms).item<double>();
  if (max_norm > 0 && norm > max_norm) {
    at::_foreach_mul_(gradients, max_norm / (norm + 1e-6));
  }
  return norm;
}

}  // namespace fusor
