#pragma once

// Paths that somebody else chose, kept inside the folder that the user chose.

#include <filesystem>
#include <string_view>

#include "common/base/status.h"

namespace fusor::client {

// The path if it is relative, has no "." or "..", no empty part and no control character; refused
// otherwise.
Result<std::filesystem::path> SafeRelative(std::string_view path);

// Makes the folders of `relative` below `root`. Refuses to pass through a symbolic link.
Status MakeFolders(const std::filesystem::path& root, const std::filesystem::path& relative);

}  // namespace fusor::client
