#pragma once

// The trials of a part of a grid in ascending order, without listing them: the part is what is left
// when some dimensions keep only some of their rows.

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "coordinator/core/grid.h"

namespace fusor::core {

class CellWalk {
 public:
  // Rows to keep, sorted, by dimension; a dimension that is not listed is kept whole.
  using Rows = std::map<std::size_t, std::vector<std::uint32_t>>;

  CellWalk(const Grid& grid, Rows rows);
  CellWalk(const CellWalk&) = delete;  // the sides point into rows_
  CellWalk& operator=(const CellWalk&) = delete;

  // The first trial of the part at or after `cell`.
  std::optional<std::uint64_t> Next(std::uint64_t cell) const;

  // Rows of the dimensions at which the axis has the value with the index; narrows `rows`.
  static void Narrow(const Grid& grid, std::size_t axis, std::uint32_t value_index, Rows& rows);

 private:
  struct Side {
    std::uint64_t stride = 1;
    std::uint64_t count = 1;                           // rows of the whole dimension
    const std::vector<std::uint32_t>* kept = nullptr;  // null = all
  };

  // The first cell of the part at or after `cell`, a trial or not.
  std::optional<std::uint64_t> NextCell(std::uint64_t cell) const;
  // The first kept row at or after `row` of the side, or nothing.
  static std::optional<std::uint64_t> KeptRow(const Side& side, std::uint64_t row);

  const Grid& grid_;
  Rows rows_;
  std::vector<Side> sides_;  // the slowest first
  bool empty_ = false;
};

}  // namespace fusor::core
