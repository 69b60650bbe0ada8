#pragma once

// What forward and backward compute in. Weights are fp32 masters always; only the compute type
// changes. Norms, softmax and the loss are taken in fp32 whatever the compute type.
//
// fp64 is for comparisons alone, the catalogue does not offer it: everything, masters included, in
// double.

#include <ATen/core/Tensor.h>

#include <string>
#include <string_view>

#include "common/base/status.h"

namespace fusor {

class Precision {
 public:
  // fp32, bf16, adaptive and fp64 on a CPU; tf32 and fp16 on a GPU too. `adaptive` begins in its
  // half type, bf16.
  static Result<Precision> FromName(std::string_view name, bool on_gpu);

  at::ScalarType compute() const { return compute_; }
  // What masters are kept and norms, softmax and losses are taken in.
  at::ScalarType master() const { return compute_ == at::kDouble ? at::kDouble : at::kFloat; }
  bool tf32() const { return tf32_; }

  // The same masters, computed with as they are.
  Precision Full() const { return {master(), tf32_}; }

  // `tensor` in the compute type; the gradient comes back in the tensor's own.
  at::Tensor Cast(const at::Tensor& tensor) const;

 private:
  Precision(at::ScalarType compute, bool tf32) : compute_(compute), tf32_(tf32) {}

  at::ScalarType compute_;
  bool tf32_;
};

}  // namespace fusor
