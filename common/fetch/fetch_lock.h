#pragma once

// One fetch of a data set at a time, whichever programs run it: a lock on a file that goes with it.

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>

#include "common/base/status.h"
#include "common/fetch/file.h"

namespace fusor {

class FetchLock {
 public:
  // Waits for another's fetch to end; `waiting` is called once when there is one. The folder is
  // made, and goes again with the last lock in it.
  static Result<std::unique_ptr<FetchLock>> Take(const std::filesystem::path& path,
                                                 const std::stop_token& stop,
                                                 const std::function<void()>& waiting);
  ~FetchLock();

 private:
  FetchLock(std::filesystem::path path, std::unique_ptr<File> file)
      : path_(std::move(path)), file_(std::move(file)) {}

  const std::filesystem::path path_;
  const std::unique_ptr<File> file_;
};

}  // namespace fusor
