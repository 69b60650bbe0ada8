#pragma once

// Files: small helpers that say what went wrong, with the path.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "worker/system/unique_fd.h"

namespace fusor::agent {

// "open /x/y: No such file or directory", from errno. Full disks are kResourceExhausted, missing
// files kNotFound, everything else kUnavailable.
Status SystemError(std::string_view what, const std::filesystem::path& path);
Status SystemError(std::string_view what);

Result<UniqueFd> OpenFile(const std::filesystem::path& path, int flags);
Result<std::string> ReadWholeFile(const std::filesystem::path& path);

// The file's text without white space at its ends, or empty when it cannot be read: for /proc and
// /sys.
std::string ReadLine(const std::filesystem::path& path);

// Temporary name, fsync, rename, fsync of the directory.
Status WriteFileAtomically(const std::filesystem::path& path, std::string_view text);

// As it comes: for files that only this run of the agent and its trials read.
Status WriteFile(const std::filesystem::path& path, std::string_view text);

Status SyncDirectory(const std::filesystem::path& path);
Status MakeDirectory(const std::filesystem::path& path);

// Whatever is there; what cannot be removed stays.
void RemoveTree(const std::filesystem::path& path);

// Free to this user on the file system that holds `path`; 0 when unknown.
std::uint64_t FreeBytes(const std::filesystem::path& path);

}  // namespace fusor::agent
