#pragma once

// Whose fault is it that a trial is skipped?

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/core/world.h"

namespace fusor::core {

struct Cause {
  std::string text;               // "needs 7.experts.3, which failed: out of memory (host)"
  std::optional<TrialKey> trial;  // nothing when a stage failed as a whole
};

// What the skipped trial needs and did not succeed by itself, each trial once: through skipped
// trials down to those that failed or were canceled.
std::vector<Cause> CausesOf(const Stage& stage, std::uint64_t cell, std::size_t limit);

}  // namespace fusor::core
