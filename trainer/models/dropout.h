#pragma once

// Dropout without a generator: whether an element stays is a function of (seed, step, layer,
// element). The element's number is its position in the logical order of dimensions, so neither the
// memory format nor the number of threads nor an interruption changes a mask, and backward draws
// the mask again instead of keeping it.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "trainer/models/pass.h"

namespace fusor {

class Dropout {
 public:
  // `probability` of being dropped, in [0, 1).
  Dropout(std::string name, double probability);

  at::Tensor Forward(const at::Tensor& input, const Pass& pass) const;

 private:
  std::string name_;
  double probability_;
};

// The part of a draw below which an element is dropped: probability x 2^64.
std::uint64_t DropThreshold(double probability);

// Whether each element of a tensor of these sizes stays, computed with operators of the device on
// which `base` is: MixBase(key). On the CPU an inlined loop gives the same, on a GPU a kernel of
// the plug-in.
at::Tensor KeepMask(at::IntArrayRef sizes, const at::Tensor& base, std::uint64_t threshold);

}  // namespace fusor
