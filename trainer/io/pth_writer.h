#pragma once

// Writes files that Python's torch.load(weights_only=True) reads. The bytes depend on the contents
// alone.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/recipe/value.h"
#include "trainer/io/tensor_type.h"

namespace fusor {

struct PthContents {
  struct Tensor {
    std::string name;
    TensorType type = TensorType::kF32;
    std::vector<std::int64_t> shape;
    std::size_t storage = 0;  // tensors may share one
  };

  // The tensors are an OrderedDict below this key, or at the top when it is empty.
  std::string tensors_key;
  std::vector<Tensor> tensors;
  std::vector<std::span<const std::byte>> storages;  // each one contiguous tensor's elements
  // Follow the tensors, in this order.
  std::vector<std::pair<std::string, Value>> values;
};

Status WritePthFile(const std::string& path, const PthContents& contents);

}  // namespace fusor
