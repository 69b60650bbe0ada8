#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace fusor {

struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

}  // namespace fusor
