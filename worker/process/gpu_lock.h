#pragma once

// One agent per GPU: a locked file per UUID in a directory of the user's own, released by the
// kernel however the agent ends.

#include <filesystem>
#include <string>

#include "common/base/status.h"
#include "worker/system/unique_fd.h"

namespace fusor::agent {

// Where the locks of this machine's GPUs are, for the agents of all users: $FUSOR_GPU_LOCKS, else
// /tmp/fusor-gpus. Not of the environment otherwise: two agents must not miss one another because
// one was started from a batch job.
std::filesystem::path RuntimeDirectory();

// Holds the device as long as the descriptor lives. FAILED_PRECONDITION while another agent does.
Result<UniqueFd> LockDevice(const std::filesystem::path& directory, const std::string& uuid);

// The same for any file: the worker's own directory, so that two agents never share one.
Result<UniqueFd> LockFile(const std::filesystem::path& path);

}  // namespace fusor::agent
