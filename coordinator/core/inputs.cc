// InputsOf: which trials of a needed stage a trial takes.

#include <algorithm>
#include <numeric>

#include "coordinator/core/grid.h"

namespace fusor {

namespace {

// The rows of each dimension of the needed stage that agree with the cell on the matched axes;
// nothing when a value is not found there.
std::optional<std::vector<std::vector<std::uint32_t>>> AgreeingRows(const Grid& here,
                                                                    const Need& need,
                                                                    const Grid& there,
                                                                    std::uint64_t cell) {
  const std::vector<Dimension>& dimensions = there.stage().dimensions;
  std::vector<std::vector<std::pair<std::size_t, std::uint32_t>>> wanted(dimensions.size());
  for (const auto& [axis_here, axis_there] : need.match) {
    const auto index = there.IndexOf(axis_there, here.ValueAt(cell, axis_here));
    if (!index) return std::nullopt;
    for (std::size_t d = 0; d < dimensions.size(); ++d) {
      const auto& axes = dimensions[d].axes;
      const auto column = std::find(axes.begin(), axes.end(), axis_there) - axes.begin();
      if (column < static_cast<std::ptrdiff_t>(axes.size())) wanted[d].emplace_back(column, *index);
    }
  }
  std::vector<std::vector<std::uint32_t>> rows(dimensions.size());
  for (std::size_t d = 0; d < dimensions.size(); ++d) {
    const bool plain = dimensions[d].axes.size() == 1;
    if (plain && wanted[d].size() == 1) {
      rows[d] = {wanted[d][0].second};
      continue;
    }
    for (std::uint32_t row = 0; row < dimensions[d].rows.size(); ++row) {
      const auto agrees = [&](const auto& want) {
        return dimensions[d].rows[row][want.first] == want.second;
      };
      if (std::all_of(wanted[d].begin(), wanted[d].end(), agrees)) rows[d].push_back(row);
    }
    if (rows[d].empty()) return std::nullopt;
  }
  return rows;
}

// The dimensions of the needed stage, the slowest first: those of the collected axes in the order
// in which they are collected, after all others (which have one row left).
std::vector<std::size_t> InputOrder(const Need& need, const StageSpec& there) {
  std::vector<std::size_t> collected;
  for (const std::size_t axis : need.collect) {
    for (std::size_t d = 0; d < there.dimensions.size(); ++d) {
      const auto& axes = there.dimensions[d].axes;
      const bool has = std::find(axes.begin(), axes.end(), axis) != axes.end();
      const bool seen = std::find(collected.begin(), collected.end(), d) != collected.end();
      if (has && !seen) collected.push_back(d);
    }
  }
  std::vector<std::size_t> order;
  for (std::size_t d = 0; d < there.dimensions.size(); ++d) {
    if (std::find(collected.begin(), collected.end(), d) == collected.end()) order.push_back(d);
  }
  order.insert(order.end(), collected.begin(), collected.end());
  return order;
}

}  // namespace

std::vector<std::uint64_t> InputsOf(const Grid& here, const Need& need, const Grid& there,
                                    std::uint64_t cell) {
  const auto rows = AgreeingRows(here, need, there, cell);
  if (!rows) return {};
  std::vector<std::uint64_t> strides(rows->size(), 1);
  for (std::size_t d = strides.size() - 1; d-- > 0;) {
    strides[d] = strides[d + 1] * there.stage().dimensions[d + 1].rows.size();
  }
  std::vector<std::uint64_t> cells = {0};
  for (const std::size_t d : InputOrder(need, there.stage())) {
    std::vector<std::uint64_t> next;
    next.reserve(cells.size() * (*rows)[d].size());
    for (const std::uint64_t base : cells) {
      for (const std::uint32_t row : (*rows)[d]) next.push_back(base + row * strides[d]);
    }
    cells = std::move(next);
  }
  std::erase_if(cells, [&](std::uint64_t input) { return !there.IsTrial(input); });
  return cells;
}

}  // namespace fusor
