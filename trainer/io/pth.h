#pragma once

// State dicts in the files of Python's torch.save and torch.load.

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/recipe/value.h"
#include "trainer/io/named_tensor.h"

namespace fusor {

using NamedValues = std::vector<std::pair<std::string, Value>>;

// Writes atomically what torch.load(weights_only=True) reads: {tensors_key: {name: tensor, ...},
// value's name: value, ...}, or without a key the tensors and values at the top. Tensors are stored
// contiguously; those that are the same memory once.
Status WritePth(const std::string& path, const std::string& tensors_key,
                std::span<const NamedTensor> tensors, const NamedValues& values);

struct PthFile {
  std::vector<NamedTensor> tensors;  // with memory of their own, contiguous
  NamedValues values;                // numbers and texts at the top
};

// Reads a state dict that Python wrote, wherever it stands in the file; runs nothing of it.
Result<PthFile> ReadPth(const std::string& path);

}  // namespace fusor
