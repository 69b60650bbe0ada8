#pragma once

// How many cells a stage has, by arithmetic over its dimensions: the cost depends on the exclude
// rules and the rows they name, not on the number of cells.

#include <cstdint>
#include <map>
#include <vector>

#include "coordinator/core/exclusion.h"
#include "coordinator/core/spec.h"

namespace fusor {

// Holds a reference: the StageSpec must outlive it and stay as it is.
class CellCounter {
 public:
  explicit CellCounter(const StageSpec& stage);

  // Rows to look at, sorted, by dimension; a dimension that is not listed is taken whole.
  using Rows = std::map<std::size_t, std::vector<std::uint32_t>>;

  struct Counts {
    std::uint64_t cells = 0;  // of the full grid, excluded and undrawn ones too
    std::uint64_t trials = 0;
    std::vector<std::uint64_t> excluded;  // per rule, in order; a cell counts for its first rule
  };
  Counts Count(const Rows& rows = {}) const;

 private:
  struct Walk;

  void Descend(Walk& walk, std::size_t dimension, const std::vector<std::size_t>& alive,
               std::uint64_t weight) const;
  std::uint64_t CountDrawn(const Rows& rows) const;

  const StageSpec& stage_;
  std::vector<ExcludedBox> boxes_;
  std::vector<std::size_t> past_;  // per rule: one past the last dimension that it names
};

}  // namespace fusor
