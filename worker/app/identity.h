#pragma once

// Who this worker is, kept in its own directory: a durable uid, a number that grows with every
// start, and the cluster it was last welcomed by.

#include <cstdint>
#include <filesystem>
#include <string>

#include "common/base/status.h"

namespace fusor::agent {

struct Identity {
  std::string uid;
  std::uint64_t incarnation = 0;
  std::string cluster_id;
  std::uint64_t generation = 0;
};

// Makes what is not there yet, and counts this start.
Result<Identity> TakeIdentity(const std::filesystem::path& directory);

Status SaveCluster(const std::filesystem::path& directory, const std::string& cluster_id,
                   std::uint64_t generation);

}  // namespace fusor::agent
