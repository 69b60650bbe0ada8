#pragma once

// A step by LibTorch's operators, on any device: one fused call for each segment where there is
// such a kernel (SGD, Adam, AdamW). Nothing is read back: norms, clipping factors, the decision to
// skip, the rate and the count of steps stay on the device, so a step can be captured in a graph.

#include <vector>

#include "trainer/optim/step.h"

namespace fusor {

class FrameworkStep {
 public:
  // The state must outlive this and have flat gradients.
  explicit FrameworkStep(OptimizerState& state);

  StepReport Run(const StepInput& input);

 private:
  // One segment's parts of the buffers; undefined as far as there are none.
  struct Part {
    const Segment* segment;
    at::Tensor value;
    at::Tensor gradient;
    at::Tensor first;
    at::Tensor second;
    at::Tensor rate;  // holds the step's
  };
  // What a step is to one group.
  struct Factors {
    double rate = 0;
    at::Tensor rate_there;  // instead
    at::Tensor divisor;     // of the gradients: loss scale over clipping factor; undefined: 1
  };

  void GatherGradients();
  at::Tensor GroupNorms(double loss_scale) const;
  std::vector<Factors> FactorsOf(const StepInput& input, const at::Tensor& norms) const;
  void Update(Part& part, const Factors& factors, const at::Tensor& skip);
  void UpdateFused(Part& part, const Factors& factors, const at::Tensor& skip);
  void UpdateLion(Part& part, const Factors& factors, const at::Tensor& skip);
  void UpdateMuon(Part& part, const Factors& factors, const at::Tensor& skip);

  OptimizerState& state_;
  std::vector<Part> parts_;
};

}  // namespace fusor
