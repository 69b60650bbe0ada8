#pragma once

// The inside of an Upload: the growing file and the hash of what it holds so far.

#include <cstdint>
#include <filesystem>
#include <string>

#include "common/base/status.h"
#include "coordinator/store/artifact_store.h"
#include "coordinator/store/file.h"
#include "coordinator/store/hash.h"

namespace fusor {

struct Upload::State {
  // Opens the file and reads what an earlier call has left in it.
  Status Open(const std::filesystem::path& part);

  ArtifactStore* store = nullptr;
  std::string sha256;
  std::uint64_t bytes = 0;
  File file;
  std::uint64_t offset = 0;
  Sha256 hash;
};

}  // namespace fusor
