#pragma once

// An artifact's bytes into a file: begun downloads go on where they stopped, the content is
// verified against its sha256, and the file appears under its name only when it is whole.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "client/link/api.h"
#include "common/base/status.h"

namespace fusor::client {

struct Download {
  std::uint64_t artifact = 0;
  std::string sha256;
  std::uint64_t bytes = 0;
  std::filesystem::path root;      // the user's folder
  std::filesystem::path relative;  // below it, from SafeRelative
};

enum class Fetched { kNew, kResumed, kThereAlready };

// `progress` gets the bytes that are there so far.
Result<Fetched> Fetch(Api& api, const Download& download,
                      const std::function<void(std::uint64_t)>& progress);

}  // namespace fusor::client
