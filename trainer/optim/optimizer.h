#pragma once

// One optimiser over flat buffers: fp32 masters, gradients and moments of all parameters lie side
// by side, and a step is one pass over them that unscales, clips, decays, updates and copies.
//
// A parameter that had no part in a step counts as one with a zero gradient: its moments fade and
// it decays. One that must stay as it is does not belong to a group at all. A tensor that is named
// twice is updated once. A step leaves the gradients cleared.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "trainer/io/safetensors.h"
#include "trainer/optim/framework_step.h"
#include "trainer/optim/host_step.h"
#include "trainer/optim/step.h"

namespace fusor {

class Optimizer {
 public:
  // Moves the parameters' values into its own memory; the tensors stay the caller's own.
  Optimizer(const OptimizerOptions& options, std::span<const ParameterGroup> groups);
  // All in one group.
  Optimizer(const OptimizerOptions& options, const ParameterSet& parameters);

  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  StepReport Step(const StepInput& input);
  // Forgets the gradients of a step that is not to be made.
  void ClearGradients();

  // How many steps were applied: skipped ones do not count. Schedules and bias corrections go by
  // this. Waits for a GPU.
  std::int64_t steps() const { return state_.steps.item<std::int64_t>(); }

  // Moments by name and the count of steps; the tensors are the optimiser's own, so that a
  // checkpoint can be read into them. After reading weights or state, call Restored().
  const std::vector<NamedTensor>& state() const { return named_; }
  void Restored();

  // The weights in bf16 by the parameters' names, kept up to date, where the options ask for it.
  std::vector<NamedTensor> Copies() const;

 private:
  void NameMoment(const char* name, const at::Tensor& buffer, std::int64_t begin);

  OptimizerState state_;
  std::optional<HostStep> host_;
  std::optional<FrameworkStep> framework_;
  std::vector<NamedTensor> named_;
};

}  // namespace fusor
