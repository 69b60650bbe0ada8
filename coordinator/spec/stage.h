#pragma once

// One stage of a sweep file, everything but its needs.

#include "coordinator/spec/policies.h"
#include "coordinator/spec/problem.h"
#include "coordinator/spec/stage_draft.h"

namespace fusor {

// What the sweep gives its stages.
struct StageDefaults {
  Policies policies;
  std::map<std::string, std::string> precision_fallback;
  std::vector<Value> seeds;  // never empty
  bool seeds_given = false;
};

// Reads and checks the stage. `needs` is left to ResolveNeeds (needs.h).
StageDraft ReadStage(const YamlEntry& entry, const StageDefaults& defaults, Problems& problems);

}  // namespace fusor
