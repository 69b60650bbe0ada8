#pragma once

// What people write for a sweep or a trial, as what the coordinator understands.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/link/api.h"
#include "common/base/status.h"

namespace fusor::client {

struct TrialName {
  std::string sweep;  // "7", "last", "cifar"
  std::string stage;
  std::uint64_t cell = 0;
};

// Is it SWEEP.STAGE.INDEX? (A sweep's name may hold dots: the last two parts decide.)
bool LooksLikeTrial(std::string_view word);

// A sweep's number: "7", "last" (the newest), a name or its unique beginning. Ambiguous names are
// refused with the candidates.
Result<std::uint64_t> ResolveSweep(Api& api, const std::string& word);

// Picks from a list; the pure part of ResolveSweep.
struct NamedSweep {
  std::uint64_t id = 0;
  std::string name;
};
Result<std::uint64_t> PickSweep(const std::string& word, const std::vector<NamedSweep>& sweeps);

// "last.exp.3" -> "7.experts.3"; the stage may be a unique beginning.
Result<std::string> ResolveTrial(Api& api, const std::string& word);
Result<std::string> PickStage(const std::string& word, const std::vector<std::string>& stages);

}  // namespace fusor::client
