#pragma once

// Opening one of the two database files: refuses what cannot work with one line that says what to
// do, creates or migrates the schema, and sets what every connection needs.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>

#include "common/base/status.h"
#include "coordinator/store/sqlite.h"

namespace fusor {

// What makes a file one of ours. migrations[i] brings user_version from i to i + 1.
struct DatabaseFormat {
  std::string_view name;  // "state.db"
  std::int32_t application_id = 0;
  std::span<const std::string_view> migrations;
};

struct DatabasePlace {
  std::filesystem::path directory;
  bool exclusive = false;  // no shared-memory WAL: for network file systems
};

// Opens for the one writer: creates the directory and the file where missing.
Result<sql::Database> OpenForWriting(const DatabaseFormat& format, const DatabasePlace& place);

// Opens an existing file that is of this version. `file` need not have the format's name.
Result<sql::Database> OpenForReading(const DatabaseFormat& format,
                                     const std::filesystem::path& file);

// SQLite's quick_check or integrity_check; kDataLoss with the first thing found.
enum class CheckDepth { kQuick, kFull };
Status CheckDatabase(const sql::Database& database, CheckDepth depth);

// What a user is told when a start finds the file damaged or locked; any other status stays as it
// is.
Status WithRemedy(const Status& status, const sql::Database& database);

// The name of a file system that cannot share memory between machines, by statfs' type number.
std::optional<std::string_view> NetworkFileSystem(std::uint64_t type);

}  // namespace fusor
