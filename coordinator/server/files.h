#pragma once

// Small files of the data directory.

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace fusor {

// Writes the whole file under a temporary name, syncs and renames it: readers see all of it or
// none.
Status WriteFileAtomically(const std::filesystem::path& path, std::string_view text, mode_t mode);

// At most `bytes_max` bytes; more is an error.
Result<std::string> ReadSmallFile(const std::filesystem::path& path, std::size_t bytes_max);

// Where the daemon listens, for clients that are given the data directory.
struct Endpoint {
  std::string grpc;  // "127.0.0.1:7070"
  std::string http;
  int pid = 0;
};
Status WriteEndpoint(const std::filesystem::path& directory, const Endpoint& endpoint);

}  // namespace fusor
