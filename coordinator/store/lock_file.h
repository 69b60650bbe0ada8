#pragma once

// One daemon per data directory: an advisory lock that ends with the process, however it ends.

#include <filesystem>

#include "common/base/status.h"
#include "coordinator/store/file.h"

namespace fusor {

class LockFile {
 public:
  // kFailedPrecondition when another process holds the lock; the message names it.
  static Result<LockFile> Acquire(const std::filesystem::path& path);

 private:
  explicit LockFile(File file) : file_(std::move(file)) {}

  File file_;
};

}  // namespace fusor
