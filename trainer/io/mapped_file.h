#pragma once

// A regular file in memory, read only. The mapping lives as long as any copy of the object.
//
// What is mapped must not be cut short while it is in use (the process would get SIGBUS): files
// that this program replaces are replaced by renaming, which leaves the mapped one alone.

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "common/base/status.h"

namespace fusor {

class MappedFile {
 public:
  static Result<MappedFile> Open(const std::string& path);

  std::span<const std::byte> bytes() const;
  const std::string& path() const { return path_; }

 private:
  class Mapping;
  MappedFile(std::string path, std::shared_ptr<const Mapping> mapping)
      : path_(std::move(path)), mapping_(std::move(mapping)) {}

  std::string path_;
  std::shared_ptr<const Mapping> mapping_;  // shared with whoever still reads from it
};

}  // namespace fusor
