#pragma once

// How many inputs a need yields, without walking the trials.

#include <cstdint>
#include <string>

#include "coordinator/core/spec.h"

namespace fusor {

struct InputCount {
  std::uint64_t least = 0;  // over the trials of the stage
  std::uint64_t most = 0;
  bool too_many = false;  // combinations of matched values to look at; nothing was counted
  std::string starving;   // "model=x, seed=3": matched values of trials that find no input at all
};

// `here` has at least one trial.
InputCount CountInputs(const StageSpec& here, const Need& need, const StageSpec& there);

}  // namespace fusor
