#pragma once

// A copy of the data directory that can be started again. It may be made while the daemon runs:
// state.db first, then metrics.db, so that the metrics hold at least what the state says they do.
//
//   DIR/state.db, DIR/metrics.db   each one consistent moment, without a log beside it
//   DIR/artifacts/<aa>/<sha256>    on request
//   DIR/manifest.json              written last: without it the backup is not complete

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "common/base/status.h"

namespace fusor {

struct BackupOptions {
  std::filesystem::path data;         // the daemon's --data directory
  std::filesystem::path destination;  // must not exist, or be empty
  bool with_artifacts = false;
};

struct BackupReport {
  std::uint64_t database_bytes = 0;
  std::uint64_t artifacts = 0;  // files copied
  std::uint64_t artifact_bytes = 0;
  std::uint64_t rows_dropped = 0;  // rows in the copy whose files were removed in the meantime
};

Result<BackupReport> Backup(const BackupOptions& options);

struct RestoreOptions {
  std::filesystem::path backup;
  std::filesystem::path data;  // must hold no databases; artifacts that are there already are used
};

struct RestoreReport {
  std::uint64_t generation =
      0;  // larger than any before: workers of the old one drop their attempts
  std::uint64_t artifacts = 0;  // files copied
  std::uint64_t rows_dropped =
      0;  // rows of artifacts whose files are neither in the backup nor in `data`
};

Result<RestoreReport> Restore(const RestoreOptions& options);

}  // namespace fusor
