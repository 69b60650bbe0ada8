#pragma once

// Stochastic gradient descent with momentum, as torch.optim.SGD computes it:
//   g += decay * w;  v = momentum * v + g;  w -= rate * (nesterov ? g + momentum * v : v)
// in one fused pass over each parameter. fp32 masters; gradients are dropped after the step.

#include <ATen/core/Tensor.h>

#include <vector>

#include "trainer/io/safetensors.h"
#include "trainer/models/parameters.h"

namespace fusor {

struct SgdOptions {
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;
};

class Sgd {
 public:
  Sgd(const SgdOptions& options, const ParameterSet& parameters);

  void Step(double learning_rate);
  // Forgets the gradients of a step that is not to be made.
  void Skip();

  // Divides the gradients by `scale`. False when one of them is not finite.
  bool Unscale(double scale);

  // Global L2 norm of all gradients. When `max_norm` is above 0, gradients are scaled so that the
  // norm is at most that.
  double ClipGradients(double max_norm);

  // The moments by name; the tensors are the optimiser's own, so that a checkpoint can be read into
  // them.
  const std::vector<NamedTensor>& state() const { return state_; }

 private:
  struct Group {
    double weight_decay = 0;
    std::vector<at::Tensor> values;
    std::vector<at::Tensor> moments;  // empty without momentum
  };

  // Of the group's values that took part in this step.
  struct Active {
    std::vector<at::Tensor> values;
    std::vector<at::Tensor> gradients;
    std::vector<at::Tensor> moments;
  };
  static Active ActiveOf(const Group& group);
  std::vector<at::Tensor> Gradients() const;

  SgdOptions options_;
  std::vector<Group> groups_;  // with decay, without
  std::vector<NamedTensor> state_;
};

}  // namespace fusor
