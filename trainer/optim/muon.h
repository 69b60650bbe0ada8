#pragma once

// Muon's part that is not element by element: a matrix's momentum, made orthogonal.

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "trainer/optim/options.h"

namespace fusor {

// All singular values of `matrix` moved near 1 by Newton-Schulz iterations in bf16, as
// torch.optim.Muon does it.
at::Tensor Orthogonal(const at::Tensor& matrix, int iterations);

// What the rate is multiplied with for a matrix.
double MuonRateFactor(MuonRate kind, std::int64_t rows, std::int64_t columns);

struct MuonStep {
  double rate = 0;
  double decay = 0;
};
// value = (1 - rate decay) value - rate factor Orthogonal(update). `value` is the matrix's run of
// memory; `update` has rows and columns in the same order.
void ApplyMuon(const OptimizerOptions& options, const MuonStep& step, at::Tensor& value,
               const at::Tensor& update);

}  // namespace fusor
