#include "coordinator/spec/value_walk.h"

#include "coordinator/spec/stage_draft.h"

namespace fusor {

namespace {

std::vector<std::size_t> AxesOf(const StageSpec& stage, const std::vector<std::string>& names) {
  std::vector<std::size_t> axes;
  for (const std::string& name : names) {
    if (const auto axis = FindAxis(stage, name)) axes.push_back(*axis);
  }
  return axes;
}

}  // namespace

ValueWalk::ValueWalk(const StageSpec& stage, const CellCounter& counter,
                     const std::vector<std::string>& names)
    : stage_(stage), axes_(AxesOf(stage, names)), walk_(stage, counter, axes_) {
  for (const std::string& name : names) {
    const auto fixed = stage.params.find(name);
    if (fixed != stage.params.end()) values_.insert(*fixed);
  }
}

const ParamValues& ValueWalk::Values() {
  for (const std::size_t axis : axes_) {
    values_.insert_or_assign(stage_.axes[axis].name, walk_.ValueOf(axis));
  }
  return values_;
}

}  // namespace fusor
