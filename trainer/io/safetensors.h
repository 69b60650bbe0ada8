#pragma once

// Tensors in files, bit for bit. Little-endian machines only, as LibTorch's builds are.

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "trainer/io/mapped_file.h"
#include "trainer/io/named_tensor.h"
#include "trainer/io/safetensors_header.h"

namespace fusor {

// Writes atomically; every tensor is stored contiguously and aligned to its elements, large ones
// first. Names must be unique. Tensors that are the same memory are stored once, under the first's
// name; the metadata has the others (name: the first's), as Python's save_model does it.
Status WriteSafetensors(const std::string& path, std::span<const NamedTensor> tensors,
                        const std::map<std::string, std::string>& metadata);

// A file mapped into memory. The mapping lives as long as this object or a view of it.
class SafetensorsFile {
 public:
  static Result<SafetensorsFile> Open(const std::string& path);

  const SafetensorsHeader& header() const { return header_; }
  // Also by a name under which the metadata has it.
  const TensorEntry* Find(std::string_view name) const;
  // Names in the metadata that stand for a tensor with another name.
  std::vector<std::string> TiedNames() const;

  // The bytes of one tensor, in place.
  std::span<const std::byte> Bytes(const TensorEntry& entry) const;

  // A tensor with its own memory.
  Result<at::Tensor> Read(const TensorEntry& entry) const;

  // The file itself as a tensor, not to be written to; nothing is read before it is used. Copied
  // only where the file has the elements at places that no tensor may have.
  Result<at::Tensor> View(const TensorEntry& entry) const;

  // Fills `into`, which must have the file's shape and dtype.
  Status ReadInto(const std::string& name, at::Tensor& into) const;

 private:
  SafetensorsFile(MappedFile file, SafetensorsHeader header, std::uint64_t data_begin);

  MappedFile file_;
  SafetensorsHeader header_;
  std::map<std::string, std::size_t, std::less<>> places_;  // in header_.tensors
  std::uint64_t data_begin_;
};

}  // namespace fusor
