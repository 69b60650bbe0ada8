#pragma once

// What a backup says of itself, in a file that is written last.

#include <cstdint>
#include <filesystem>
#include <string>

#include "common/base/status.h"

namespace fusor {

struct Manifest {
  std::string cluster_id;
  std::uint64_t generation = 0;
  std::string state_sha256;
  std::string metrics_sha256;
  bool has_artifacts = false;
};

Status WriteManifest(const std::filesystem::path& directory, const Manifest& manifest);
// kFailedPrecondition when the backup is not complete, kDataLoss when the file is damaged.
Result<Manifest> ReadManifest(const std::filesystem::path& directory);

}  // namespace fusor
