#pragma once

// Multi-head self-attention over a few tokens, as torch.nn.MultiheadAttention defines it: one
// matrix for queries, keys and values, scores scaled by 1 / sqrt(size of a head), dropout on the
// weights, and a linear layer behind. Tensor names are that module's.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "trainer/models/builder.h"
#include "trainer/models/dropout.h"
#include "trainer/models/layers.h"
#include "trainer/models/pass.h"

namespace fusor {

class Attention {
 public:
  // Requires that `heads` divides `size`.
  Attention(ModelBuilder& builder, const std::string& name, std::int64_t size, std::int64_t heads,
            double dropout);

  // [batch, tokens, size] -> the same, in the masters' type.
  at::Tensor Forward(const at::Tensor& tokens, const Pass& pass) const;

 private:
  std::string name_;
  std::int64_t heads_;
  Linear in_;
  Dropout dropout_;
  Linear out_;
};

}  // namespace fusor
