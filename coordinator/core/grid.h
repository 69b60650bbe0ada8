#pragma once

// The arithmetic of a stage's grid: what cell N is, without ever listing the cells. Pure functions
// of the StageSpec; cheap enough for every grant. Counts: cell_counter.h.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/core/exclusion.h"
#include "coordinator/core/spec.h"

namespace fusor {

// What a worker must have so that a cell can run there.
struct Requirement {
  Resources resources;
  std::string precision;           // empty = any
  std::string fallback_precision;  // from precision_fallback; empty = none
  std::string gpu_type;            // empty = any
  std::string dataset;             // empty = none
};

// Precomputed strides of one stage. Holds a reference: the StageSpec must outlive it and stay as it
// is.
class Grid {
 public:
  explicit Grid(const StageSpec& stage);

  const StageSpec& stage() const { return stage_; }

  // Cells of the full grid, excluded and undrawn ones counted too.
  std::uint64_t size() const { return size_; }
  // Cells of one seed.
  std::uint64_t seed_block() const { return seed_block_; }
  // Cells that are trials. Counted by arithmetic over the dimensions the first time; remembered.
  std::uint64_t TrialCount() const;
  bool IsTrial(std::uint64_t cell) const;
  // The first trial at or after `cell`, or nothing.
  std::optional<std::uint64_t> NextTrial(std::uint64_t cell) const;
  // The rule that excludes the cell, or nothing.
  std::optional<std::size_t> ExcludedBy(std::uint64_t cell) const;

  // The row of the dimension at the cell.
  std::uint32_t RowAt(std::uint64_t cell, std::size_t dimension) const;
  // The index of the axis' value at the cell.
  std::uint32_t ValueIndex(std::uint64_t cell, std::size_t axis) const;
  const Value& ValueAt(std::uint64_t cell, std::size_t axis) const;
  // Where the axis has the value, or nothing.
  std::optional<std::uint32_t> IndexOf(std::size_t axis, const Value& value) const;

  // Requirement classes: cells of one class fit the same workers.
  std::uint32_t ClassCount() const { return class_count_; }
  std::uint32_t ClassOf(std::uint64_t cell) const;
  Requirement RequirementOf(std::uint32_t requirement_class) const;
  // The rows of each dimension that the class leaves: what narrows a CellCounter to it.
  std::map<std::size_t, std::vector<std::uint32_t>> RowsOfClass(
      std::uint32_t requirement_class) const;

  // All parameters of the cell; axes that only place (gpu_type) are not among them.
  ParamValues ParamsOf(std::uint64_t cell) const;
  // task-<cell>-<axis values>, the seed last; safe as a file name.
  std::string NameOf(std::uint64_t cell) const;

 private:
  // Where an axis' values are found.
  struct Place {
    std::size_t dimension = 0;
    std::vector<std::uint32_t> value_of_row;  // empty: the row is the index
  };
  struct Side {
    std::uint64_t stride = 1;
    std::uint64_t rows = 1;
  };

  void PlaceAxes();
  void FindClasses();

  const StageSpec& stage_;
  std::vector<Side> sides_;  // per dimension
  std::uint64_t size_ = 1;
  std::uint64_t seed_block_ = 1;
  std::vector<Place> places_;                       // per axis
  std::vector<std::vector<std::uint32_t>> sorted_;  // per axis: indexes in the values' order
  std::vector<ExcludedBox> boxes_;                  // per rule
  std::vector<std::size_t> class_axes_;
  std::uint32_t class_count_ = 1;
  Requirement base_requirement_;  // what all cells share
  ParamValues base_params_;       // every parameter; the axes' are overwritten per cell
  mutable std::optional<std::uint64_t> trial_count_;
};

// The input cells of `cell` for one need, in input order; cells of the needed stage's grid that are
// trials.
std::vector<std::uint64_t> InputsOf(const Grid& here, const Need& need, const Grid& there,
                                    std::uint64_t cell);

// How many positions of one seed's block no rule excludes whatever the seed: what DrawCells draws
// from.
std::uint64_t DrawableCells(const StageSpec& stage);

// `random:` so many different positions of one seed's block, none excluded whatever the seed,
// sorted. The same for the same stage and seed. Requires that there are so many.
std::vector<std::uint64_t> DrawCells(const StageSpec& stage, std::uint64_t trials,
                                     std::uint64_t seed);

}  // namespace fusor
