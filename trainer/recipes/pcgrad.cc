#include "trainer/recipes/pcgrad.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

namespace fusor {
namespace {

std::vector<at::Tensor> GradientsOf(const at::Tensor& loss,
                                    const std::vector<at::Tensor>& parameters, bool keep_graph) {
  return torch::autograd::grad({loss}, parameters, /*grad_outputs=*/{}, keep_graph,
                               /*create_graph=*/false, /*allow_unused=*/true);
}

// `a` without what it has along `b`, where they disagree. Everything stays on the device.
at::Tensor Without(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor along = a.mul(b).sum().clamp_max(0).div(b.square().sum().clamp_min(1e-30));
  return a.sub(b.mul(along));
}

at::Tensor Combine(const at::Tensor& a, const at::Tensor& b) {
  if (!a.defined()) return b;
  return b.defined() ? Without(a, b).add(Without(b, a)) : a;
}

}  // namespace

void BackwardWithoutConflicts(const at::Tensor& first, const at::Tensor& second,
                              const std::vector<at::Tensor>& parameters, double scale) {
  const std::vector<at::Tensor> a = GradientsOf(first, parameters, /*keep_graph=*/true);
  const std::vector<at::Tensor> b = GradientsOf(second, parameters, /*keep_graph=*/false);
  at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const at::Tensor combined = Combine(a[i], b[i]);
    if (!combined.defined()) continue;
    at::Tensor& gradient = parameters[i].mutable_grad();
    gradient = gradient.defined() ? gradient.add(combined, scale) : combined.mul(scale);
  }
}

}  // namespace fusor
