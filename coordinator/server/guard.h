#pragma once

// The token: made once per data directory, asked of every call.

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/status.h"
#include "coordinator/server/stats.h"

namespace fusor {

// The token of the data directory; makes `directory`/token (0600) when there is none.
Result<std::string> LoadOrMakeToken(const std::filesystem::path& directory);

class Guard {
 public:
  Guard(std::string token, Stats& stats) : token_(std::move(token)), stats_(stats) {}

  // Is it "Bearer TOKEN"? Takes the same time however much of it is right.
  bool Allows(std::string_view authorization) const;

 private:
  const std::string token_;
  Stats& stats_;
};

}  // namespace fusor
