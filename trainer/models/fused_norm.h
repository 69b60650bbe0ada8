#pragma once

// Batch norm, the sum with another branch and ReLU as one operator with one backward, for tensors
// that lie channels last on a CPU: each of them alone would read and write all of a layer's output,
// and beside 16-bit products that is a quarter of a step. The result is rounded once, at its end.

#include <ATen/core/Tensor.h>

namespace fusor {

struct NormTensors {
  at::Tensor weight;
  at::Tensor bias;
  at::Tensor mean;      // running
  at::Tensor variance;  // running
};

struct FusedNormOptions {
  bool batch_statistics = false;  // otherwise the running ones; these keep the running ones
  bool relu = false;
  double share = 0;  // of a batch in the running statistics
  double epsilon = 0;
};

bool FusedNormTakes(const at::Tensor& input, const at::Tensor& weight);

// `branch` may be undefined: none.
at::Tensor FusedNorm(const at::Tensor& input, const at::Tensor& branch, const NormTensors& norm,
                     const FusedNormOptions& options);

}  // namespace fusor
