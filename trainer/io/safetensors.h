#pragma once

// Tensors in files, bit for bit. Little-endian machines only, as LibTorch's builds are.

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "trainer/io/safetensors_header.h"

namespace fusor {

struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

// Writes atomically; every tensor is stored contiguously. Names must be unique.
Status WriteSafetensors(const std::string& path, std::span<const NamedTensor> tensors,
                        const std::map<std::string, std::string>& metadata);

// A file mapped into memory. The mapping lives as long as this object or a tensor of it.
class SafetensorsFile {
 public:
  static Result<SafetensorsFile> Open(const std::string& path);

  const SafetensorsHeader& header() const { return header_; }
  const TensorEntry* Find(const std::string& name) const;

  // The bytes of one tensor, in place.
  std::span<const std::byte> Bytes(const TensorEntry& entry) const;

  // A tensor with its own memory.
  at::Tensor Read(const TensorEntry& entry) const;

  // Fills `into`, which must have the file's shape and dtype.
  Status ReadInto(const std::string& name, at::Tensor& into) const;

 private:
  class Mapping;

  std::string path_;
  std::shared_ptr<const Mapping> mapping_;  // shared with whoever still reads from it
  SafetensorsHeader header_;
  std::uint64_t data_begin_ = 0;
};

}  // namespace fusor
