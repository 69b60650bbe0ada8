#pragma once

// Copies of whole databases and files, durable when the call returns.

#include <cstdint>
#include <filesystem>

#include "common/base/status.h"
#include "coordinator/store/database_file.h"

namespace fusor {

// One consistent moment of a database that others may be writing to; the copy needs no log.
Status CopyDatabase(const DatabaseFormat& format, const std::filesystem::path& from,
                    const std::filesystem::path& to);

// Opens a copy that nobody else knows of yet, to change it: no write-ahead log, every commit
// synced.
Result<sql::Database> OpenCopy(const std::filesystem::path& file);

// Copies a file and syncs it; the number of bytes. kNotFound when there is none.
Result<std::uint64_t> CopyFile(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace fusor
