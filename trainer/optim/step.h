#pragma once

// What one step of an optimiser is told, and what it says afterwards.

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "trainer/optim/flat_parameters.h"
#include "trainer/optim/options.h"

namespace fusor {

struct StepInput {
  std::vector<double> rates;       // one for each group, or one for all
  at::Tensor rates_there;          // instead: on the device, for a step that is recorded
  double loss_scale = 1;           // the gradients are those of the loss times this
  double clip_norm = 0;            // largest norm of all gradients together; 0: not clipped
  std::vector<double> clip_norms;  // instead: each group's own, 0 for a group not clipped
  bool skip_nonfinite = false;     // a gradient that is not finite voids the whole step
  bool want_norm = false;          // even where nothing is clipped

  bool NeedsNorm() const {
    return clip_norm > 0 || !clip_norms.empty() || skip_nonfinite || want_norm;
  }
  double RateOf(std::size_t group) const { return rates[rates.size() == 1 ? 0 : group]; }
};

// On a GPU the answers wait there until they are asked for; asking waits for the step.
class StepReport {
 public:
  explicit StepReport(std::vector<double> norms, bool applied = true)
      : norms_(std::move(norms)), applied_(applied) {}
  // `norms` of each group; `skipped` is a single 1 or 0, undefined where nothing can be skipped.
  StepReport(at::Tensor norms, at::Tensor skipped)
      : device_norms_(std::move(norms)), device_skipped_(std::move(skipped)) {}

  // False: a gradient was not finite and nothing at all was changed.
  bool applied() const;
  // L2, of the gradients after unscaling and before clipping; NaN when nobody needed it.
  double norm() const;
  double norm(std::size_t group) const;
  // As norm(), but left on the device; undefined where the answer is on the host.
  at::Tensor NormThere() const;

 private:
  std::vector<double> norms_;
  bool applied_ = true;
  at::Tensor device_norms_;
  at::Tensor device_skipped_;
};

// An optimiser's memory. Moments and copy have the layout of `parameters`; a second moment may
// begin later, because Muon's matrices have none.
struct OptimizerState {
  OptimizerState(const OptimizerOptions& options, std::span<const ParameterGroup> groups);

  const OptimizerOptions options;
  FlatParameters parameters;
  at::Tensor first;   // undefined for plain descent
  at::Tensor second;  // Adam's kind alone
  std::int64_t second_begin = 0;
  at::Tensor gradients;                    // GradientMemory::kFlat
  std::vector<at::Tensor> gradient_views;  // of each slot
  at::Tensor copy;                         // bf16
  at::Tensor steps;                        // int64, how many were applied

  // Forgets the gradients. Those in one buffer are zeroed unless that has been done.
  enum class Zero : std::uint8_t { kNow, kIsDone };
  void ClearGradients(Zero zero);
};

// min(1, max_norm / norm), as torch.nn.utils.clip_grad_norm_ takes it.
double ClipFactor(double norm, double max_norm);

// 1 - beta^step: how much of its weight a moment has gathered.
double Gathered(double beta, std::int64_t step);

}  // namespace fusor
