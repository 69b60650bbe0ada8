#include "coordinator/core/cell_walk.h"

#include <algorithm>
#include <numeric>

namespace fusor::core {

CellWalk::CellWalk(const Grid& grid, Rows rows) : grid_(grid), rows_(std::move(rows)) {
  const std::vector<Dimension>& dimensions = grid.stage().dimensions;
  sides_.resize(dimensions.size());
  std::uint64_t stride = 1;
  for (std::size_t d = sides_.size(); d-- > 0;) {
    sides_[d] = {.stride = stride, .count = dimensions[d].rows.size()};
    stride *= sides_[d].count;
    const auto kept = rows_.find(d);
    if (kept == rows_.end()) continue;
    sides_[d].kept = &kept->second;
    if (kept->second.empty()) empty_ = true;
  }
}

void CellWalk::Narrow(const Grid& grid, std::size_t axis, std::uint32_t value_index, Rows& rows) {
  const std::vector<Dimension>& dimensions = grid.stage().dimensions;
  for (std::size_t d = 0; d < dimensions.size(); ++d) {
    const auto& axes = dimensions[d].axes;
    const auto column =
        static_cast<std::size_t>(std::find(axes.begin(), axes.end(), axis) - axes.begin());
    if (column == axes.size()) continue;
    const auto [entry, fresh] = rows.try_emplace(d);
    if (fresh && axes.size() == 1) {
      entry->second = {value_index};
      return;
    }
    if (fresh) {
      entry->second.resize(dimensions[d].rows.size());
      std::iota(entry->second.begin(), entry->second.end(), 0U);
    }
    std::erase_if(entry->second, [&](std::uint32_t row) {
      return dimensions[d].rows[row][column] != value_index;
    });
    return;
  }
}

std::optional<std::uint64_t> CellWalk::KeptRow(const Side& side, std::uint64_t row) {
  if (side.kept == nullptr) {
    if (row >= side.count) return std::nullopt;
    return row;
  }
  const auto found = std::lower_bound(side.kept->begin(), side.kept->end(), row);
  if (found == side.kept->end()) return std::nullopt;
  return *found;
}

std::optional<std::uint64_t> CellWalk::NextCell(std::uint64_t cell) const {
  if (empty_ || cell >= grid_.size()) return std::nullopt;
  // `base` has kept rows in the dimensions before d; where the cell's row is not kept, the next
  // kept one is taken and everything after it starts at its first kept row.
  std::uint64_t base = 0;
  for (std::size_t d = 0; d < sides_.size(); ++d) {
    const Side& side = sides_[d];
    const std::uint64_t row = cell / side.stride % side.count;
    const auto kept = KeptRow(side, row);
    if (kept && *kept == row) {
      base += row * side.stride;
      continue;
    }
    // Without a kept row left here, an earlier dimension has to advance: the cell before which all
    // of this dimension is passed over.
    if (!kept) return NextCell(base + side.stride * side.count);
    base += *kept * side.stride;
    for (std::size_t rest = d + 1; rest < sides_.size(); ++rest) {
      base += *KeptRow(sides_[rest], 0) * sides_[rest].stride;
    }
    return base;
  }
  return base;
}

std::optional<std::uint64_t> CellWalk::Next(std::uint64_t cell) const {
  std::optional<std::uint64_t> next = NextCell(cell);
  while (next) {
    const auto trial = grid_.NextTrial(*next);
    if (!trial || *trial == *next) return trial;
    next = NextCell(*trial);
  }
  return std::nullopt;
}

}  // namespace fusor::core
