#pragma once

// One agent per GPU: a locked file per UUID in a directory of the user's own, released by the
// kernel however the agent ends.

#include <filesystem>
#include <string>

#include "common/base/status.h"
#include "worker/system/unique_fd.h"

namespace fusor::agent {

// $XDG_RUNTIME_DIR/fusor, or /tmp/fusor-UID where there is none.
std::filesystem::path RuntimeDirectory();

// Holds the device as long as the descriptor lives. FAILED_PRECONDITION while another agent does.
Result<UniqueFd> LockDevice(const std::filesystem::path& directory, const std::string& uuid);

// The same for any file: the worker's own directory, so that two agents never share one.
Result<UniqueFd> LockFile(const std::filesystem::path& path);

}  // namespace fusor::agent
