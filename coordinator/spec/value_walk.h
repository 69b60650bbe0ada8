#pragma once

// Walks the combinations of values that a stage's trials have of some parameters.

#include <string>
#include <vector>

#include "common/recipe/recipe.h"
#include "coordinator/core/cell_counter.h"
#include "coordinator/core/spec.h"
#include "coordinator/spec/row_walk.h"

namespace fusor {

// Holds references: stage and counter must outlive it.
class ValueWalk {
 public:
  ValueWalk(const StageSpec& stage, const CellCounter& counter,
            const std::vector<std::string>& names);

  // Those of the present combination, as far as the stage has such parameters.
  const ParamValues& Values();
  std::uint64_t size() const { return walk_.size(); }
  bool Next() { return walk_.Next(); }
  bool HasTrials() const { return walk_.HasTrials(); }

 private:
  const StageSpec& stage_;
  std::vector<std::size_t> axes_;
  RowWalk walk_;
  ParamValues values_;
};

}  // namespace fusor
