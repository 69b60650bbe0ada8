#pragma once

// Where a trial computes.

#include <ATen/core/Tensor.h>

#include "trainer/cuda/plugin.h"

namespace fusor {

struct Device {
  at::Device where{at::kCPU};
  CudaPlugin* cuda = nullptr;  // set exactly when `where` is a GPU; lives as long as the process

  at::Tensor Bring(const at::Tensor& tensor) const {
    return cuda == nullptr ? tensor : cuda->ToDevice(tensor);
  }
};

}  // namespace fusor
