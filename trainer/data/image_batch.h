#pragma once

// What a step trains on.

#include <ATen/core/Tensor.h>

namespace fusor {

struct ImageBatch {
  at::Tensor images;  // [n, 3, 32, 32] fp32, channels last
  at::Tensor labels;  // [n] int64
  // With MixUp or CutMix: the labels of the images mixed in, and the weight of the own ones.
  at::Tensor partner_labels;
  double share = 1;
};

}  // namespace fusor
