#pragma once

// What `fusor local` remembers between runs, so that the same command goes on with an unfinished
// sweep: per sweep file (its content, not its name) the number of the run and the sweep that it
// made.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/status.h"

namespace fusor::client {

struct RunRecord {
  std::uint64_t run = 1;
  std::uint64_t sweep = 0;  // 0 = not known to be submitted

  friend bool operator==(const RunRecord&, const RunRecord&) = default;
};

// Names the content: equal source and overrides, equal key.
std::string RunKey(const std::string& source, const std::vector<std::string>& overrides);

// The request id of a run: submitting it twice makes one sweep.
std::string RunRequestId(const std::string& key, std::uint64_t run);

// A missing or damaged record is that of a first run.
RunRecord LoadRunRecord(const std::filesystem::path& folder, const std::string& key);
Status SaveRunRecord(const std::filesystem::path& folder, const std::string& key,
                     const RunRecord& record);

}  // namespace fusor::client
