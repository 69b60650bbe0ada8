#pragma once

// Files of Python's torch.save (zip format), read without Python and without running anything.

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "trainer/io/pickle_tree.h"
#include "trainer/io/zip_reader.h"

namespace fusor {

class PthReader {
 public:
  // `file` is a whole file, and outlives this. Every storage's check sum is compared here.
  static Result<PthReader> Parse(std::span<const std::byte> file);

  const PickleTree& tree() const { return tree_; }

  // The tensor's elements in C order, whatever its strides; `into` has exactly their size.
  void Copy(const StoredTensor& tensor, std::span<std::byte> into) const;

 private:
  explicit PthReader(ZipReader zip) : zip_(std::move(zip)) {}
  Status CheckFormat(const std::string& folder) const;
  Status CheckStorages(const std::string& folder);

  ZipReader zip_;
  PickleTree tree_;
  std::map<std::string, std::span<const std::byte>, std::less<>> storages_;
};

struct StateDict {
  struct Entry {
    std::string name;
    const StoredTensor* tensor = nullptr;  // in the tree
  };
  std::vector<Entry> entries;  // in the file's order
};

// The tensors by name, below "model_state_dict", "state_dict" or "model" or at the top. What wraps
// every name (DataParallel's "module.", torch.compile's "_orig_mod.") is dropped.
Result<StateDict> FindStateDict(const PickleTree& tree);

}  // namespace fusor
