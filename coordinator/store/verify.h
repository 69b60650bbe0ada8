#pragma once

// Looks through a whole data directory: the databases' pages, what their rows say about each other,
// and the files that rows name. It only reads, and may run beside the daemon.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/status.h"

namespace fusor {

enum class VerifyDepth : std::uint8_t { kSizes, kContents };  // of the artifacts' files

struct VerifyReport {
  std::vector<std::string> problems;  // one line each; empty = all is well
  std::uint64_t trials = 0;
  std::uint64_t attempts = 0;
  std::uint64_t artifacts = 0;
};

// An error only when the directory cannot be read at all.
Result<VerifyReport> Verify(const std::filesystem::path& data, VerifyDepth depth);

}  // namespace fusor
