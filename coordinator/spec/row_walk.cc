#include "coordinator/spec/row_walk.h"

#include <algorithm>

namespace fusor {

RowWalk::RowWalk(const StageSpec& stage, const CellCounter& counter,
                 const std::vector<std::size_t>& axes)
    : stage_(stage), counter_(counter), places_(stage.axes.size()) {
  for (std::size_t d = 0; d < stage.dimensions.size(); ++d) {
    const std::vector<std::size_t>& members = stage.dimensions[d].axes;
    const bool walked = std::any_of(axes.begin(), axes.end(), [&](std::size_t axis) {
      return std::find(members.begin(), members.end(), axis) != members.end();
    });
    if (!walked) continue;
    for (std::size_t column = 0; column < members.size(); ++column) {
      places_[members[column]] = {dimensions_.size(), column};
    }
    dimensions_.push_back(d);
    size_ *= stage.dimensions[d].rows.size();
  }
  rows_.resize(dimensions_.size(), 0);
}

bool RowWalk::Next() {
  for (std::size_t i = dimensions_.size(); i-- > 0;) {
    if (rows_[i] + 1 < stage_.dimensions[dimensions_[i]].rows.size()) {
      ++rows_[i];
      return true;
    }
    rows_[i] = 0;
  }
  return false;
}

const Value& RowWalk::ValueOf(std::size_t axis) const {
  const Place& place = places_[axis];
  const Dimension& dimension = stage_.dimensions[dimensions_[place.dimension]];
  return stage_.axes[axis].values[dimension.rows[rows_[place.dimension]][place.column]];
}

bool RowWalk::HasTrials() const {
  CellCounter::Rows rows;
  for (std::size_t i = 0; i < dimensions_.size(); ++i) rows[dimensions_[i]] = {rows_[i]};
  return counter_.Count(rows).trials > 0;
}

}  // namespace fusor
