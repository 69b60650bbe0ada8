#pragma once

// needs: which trials of other stages a trial takes as inputs.

#include <vector>

#include "common/base/status.h"
#include "coordinator/core/spec.h"
#include "coordinator/spec/problem.h"
#include "coordinator/spec/stage_draft.h"

namespace fusor {

// Reads the needs of all stages and checks them: known stages, no cycle, axes that both sides have,
// no axis left over, as many inputs as the recipe takes. Returns the stages in an order in which
// each comes after all it needs, otherwise as in the file; Need::stage is the position in that
// order. Empty when there is a problem with any stage.
std::vector<StageSpec> ResolveNeeds(std::vector<StageDraft> drafts, Problems& problems);

}  // namespace fusor
