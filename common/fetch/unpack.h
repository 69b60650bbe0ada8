#pragma once

// Unpacks an archive into an empty folder of its own. Nothing outside that folder is ever written:
// names that lead out of it, absolute ones, links and devices end the whole with a refusal.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <vector>

#include "common/base/status.h"
#include "common/dataset/known_dataset.h"
#include "common/dataset/manifest.h"

namespace fusor {

struct UnpackOptions {
  std::filesystem::path archive;
  std::filesystem::path folder;  // there, and empty
  Packing packing = Packing::kTar;
  std::uint64_t bytes_max = 0;  // of all files together
  std::stop_token stop;
  std::function<void(std::uint64_t done)> progress;  // bytes of the archive
};

// The files in the order of their names.
Result<std::vector<ManifestFile>> Unpack(const UnpackOptions& options);

}  // namespace fusor
