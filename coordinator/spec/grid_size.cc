#include "coordinator/spec/grid_size.h"

#include <algorithm>
#include <string>

#include "common/base/limits.h"
#include "coordinator/core/grid.h"

namespace fusor {

namespace {

// Excludes may leave this part of a grid that is too large to be listed, and not less: cells are
// drawn from the whole grid until enough are left.
constexpr std::uint64_t kLeftPart = 64;

// Cells of the full grid; nothing when over kDrawnGridMax.
std::optional<std::uint64_t> GridSize(const StageSpec& stage) {
  std::uint64_t size = 1;
  for (const Dimension& dimension : stage.dimensions) {
    const std::uint64_t rows = std::max<std::uint64_t>(1, dimension.rows.size());
    if (size > kDrawnGridMax / rows) return std::nullopt;
    size *= rows;
  }
  return size;
}

}  // namespace

Status CheckGridSize(const StageSpec& stage, std::uint64_t drawn) {
  const auto size = GridSize(stage);
  if (size && *size <= limits::kCellsPerSweepMax) return Ok();
  const std::string cells = (size ? std::to_string(*size) : "over 10^15") + " cells";
  if (drawn == 0) {
    return InvalidArgument(cells + "; a sweep has at most " +
                           std::to_string(limits::kCellsPerSweepMax) +
                           ", or draws from up to 10^15 with random: {trials: N}");
  }
  if (!size) return InvalidArgument(cells + "; random draws from at most 10^15");
  const std::uint64_t seeds = stage.axes[0].values.size();
  if (drawn > kSparseTrialsMax / seeds) {
    return InvalidArgument("from " + cells + " at most " + std::to_string(kSparseTrialsMax) +
                           " trials are drawn, all seeds together");
  }
  if (DrawableCells(stage) < *size / seeds / kLeftPart) {
    return InvalidArgument("exclude leaves less than a " + std::to_string(kLeftPart) + "th of " +
                           cells + "; leave the values out of the axes");
  }
  return Ok();
}

std::uint64_t CountedCells(const StageSpec& stage) {
  const auto size = GridSize(stage);
  if (size && *size <= limits::kCellsPerSweepMax) return *size;
  return stage.drawn ? stage.drawn->size() * stage.axes[0].values.size() : kDrawnGridMax;
}

}  // namespace fusor
