#pragma once

// Exclude rules as boxes: a rule takes away the cells whose row lies in a set of rows, for some of
// the dimensions.

#include <cstdint>
#include <vector>

#include "coordinator/core/spec.h"

namespace fusor {

struct ExcludedBox {
  struct Side {
    std::size_t dimension = 0;
    std::vector<std::uint32_t> rows;  // sorted
    std::vector<bool> has;            // the same, by row
  };
  bool empty = false;       // matches nothing
  std::vector<Side> sides;  // ascending by dimension; other dimensions are free
};

// One box per rule of the stage, in order.
std::vector<ExcludedBox> BoxesOf(const StageSpec& stage);

// Does the rule name the seed?
bool NamesSeed(const StageSpec& stage, const Exclude& rule);

}  // namespace fusor
