#pragma once

// NumPy's .npy files: formats 1.0 and 2.0 are read, 1.0 is written, byte for byte as NumPy does.
// Little-endian numbers in C order only; nothing of a file is trusted.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "trainer/io/tensor_type.h"

namespace fusor {

struct NpyArray {
  TensorType type = TensorType::kI64;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> data;  // somebody else's
};

// `file` is a whole file, into which the array points. Messages begin with the offset.
Result<NpyArray> ParseNpy(std::span<const std::byte> file);

// Types that NumPy knows: BF16 and the eight-bit floats are refused.
Status WriteNpy(const std::string& path, const NpyArray& array);

// A list of sample indices, such as a split: one dimension, int64, every one from 0 to below `end`.
Result<std::vector<std::int64_t>> ReadIndexFile(
    const std::string& path, std::int64_t end = std::numeric_limits<std::int64_t>::max());
Status WriteIndexFile(const std::string& path, std::span<const std::int64_t> indices);

}  // namespace fusor
