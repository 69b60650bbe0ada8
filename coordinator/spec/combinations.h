#pragma once

// What cannot stand together in a stage, although each value by itself could. A combination is
// refused only when a trial would have it.

#include "coordinator/spec/problem.h"
#include "coordinator/spec/stage_draft.h"

namespace fusor {

// Checks the recipe's rules, and the resources against the precision and gpu_type axes. The stage's
// axes, params, excludes and resources must be complete.
void CheckCombinations(StageDraft& draft, Problems& problems);

}  // namespace fusor
