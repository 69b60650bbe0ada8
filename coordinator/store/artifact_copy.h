#pragma once

// Artifact files between a data directory and a backup, as the rows of a state.db copy name them.

#include <cstdint>
#include <filesystem>

#include "common/base/status.h"
#include "coordinator/store/sqlite.h"

namespace fusor {

struct ArtifactCopy {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t rows_dropped = 0;
};

// Copies every file that `state` names from the directory `from` to `to`, where it is not there
// yet. Rows whose file is in neither are dropped from `state`: what is not there must not be
// promised.
Result<ArtifactCopy> CopyArtifacts(const sql::Database& state, const std::filesystem::path& from,
                                   const std::filesystem::path& to);

}  // namespace fusor
