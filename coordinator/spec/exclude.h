#pragma once

// exclude and random: which cells of the grid are trials.

#include <cstdint>
#include <string>

#include "coordinator/spec/problem.h"
#include "coordinator/spec/stage_draft.h"

namespace fusor {

// Rules over the stage's axes, which must be complete. A value that its axis does not have is no
// mistake as long as the parameter could have it: an override may have taken it away.
void ReadExcludes(const YamlNode& node, const std::string& path, Problems& problems,
                  StageDraft& draft);

// random: {trials, seed}.
struct RandomChoice {
  std::int64_t trials = 0;
  std::int64_t seed = 0;
};
RandomChoice ReadRandom(const YamlNode& node, const std::string& path, Problems& problems);

}  // namespace fusor
