#pragma once

// Between tensors in files and tensors in memory.

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "trainer/io/named_tensor.h"
#include "trainer/io/tensor_type.h"

namespace fusor {

at::ScalarType ToScalarType(TensorType type);
// Refuses what no file format here has, such as quantised tensors.
Result<TensorType> ToTensorType(const NamedTensor& named);

// "F32[64,3,3,3]"
std::string Describe(const at::Tensor& tensor);

// On the CPU, contiguous, not filled.
Result<at::Tensor> NewTensor(TensorType type, std::span<const std::int64_t> shape);
// Of a contiguous tensor on the CPU.
std::span<std::byte> BytesOf(const at::Tensor& tensor);

// For each tensor the first that is the same view of the same memory, often itself.
std::vector<std::size_t> FindTied(std::span<const NamedTensor> tensors);

}  // namespace fusor
