#pragma once

// Walks the combinations of rows of those dimensions that some axes are in.

#include <cstdint>
#include <vector>

#include "common/base/limits.h"
#include "coordinator/core/cell_counter.h"
#include "coordinator/core/spec.h"

namespace fusor {

// More combinations than this are refused rather than walked. Only a grid that trials are drawn
// from at random can have so many.
inline constexpr std::uint64_t kWalkMax = limits::kCellsPerSweepMax;

// Holds references: stage and counter must outlive it.
class RowWalk {
 public:
  RowWalk(const StageSpec& stage, const CellCounter& counter, const std::vector<std::size_t>& axes);

  // How many combinations there are; at most 2^63.
  std::uint64_t size() const { return size_; }

  // The next combination; false after the last, when the walk begins again.
  bool Next();

  // The value, at this combination, of one of the axes.
  const Value& ValueOf(std::size_t axis) const;

  // Do any trials of the stage have this combination?
  bool HasTrials() const;

 private:
  struct Place {
    std::size_t dimension = 0;
    std::size_t column = 0;
  };

  const StageSpec& stage_;
  const CellCounter& counter_;
  std::uint64_t size_ = 1;
  std::vector<std::size_t> dimensions_;  // walked, ascending
  std::vector<std::uint32_t> rows_;      // the present row of each
  std::vector<Place> places_;            // per axis of the stage: (position in dimensions_, column)
};

}  // namespace fusor
