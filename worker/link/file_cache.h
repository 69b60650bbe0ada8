#pragma once

// Files by content that this worker has seen: what it uploaded need not be downloaded again, and
// two trials share one download. Any thread.

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>

#include "common/base/status.h"

namespace fusor::agent {

class FileCache {
 public:
  FileCache(std::filesystem::path directory, std::uint64_t bytes_max);

  // Links the file with this content to `to`; false when it is not here. What is here is checked
  // first: a damaged file is forgotten.
  bool Give(const std::string& sha256, const std::filesystem::path& to);

  // Keeps a file whose content is known; the oldest make room. A failure only costs a later
  // download.
  void Keep(const std::filesystem::path& from, const std::string& sha256);

 private:
  void MakeRoom();

  const std::filesystem::path directory_;
  const std::uint64_t bytes_max_;
  std::mutex mu_;
};

// Links, or copies where the file system has no links; replaces what is there.
Status LinkFile(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace fusor::agent
