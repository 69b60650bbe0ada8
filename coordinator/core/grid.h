#pragma once

// The arithmetic of a stage's grid: what cell N is, without ever listing the cells. Pure functions of
// the StageSpec; cheap enough for every grant.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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

// Precomputed strides of one stage. Holds a reference: the StageSpec must outlive it and stay as it is.
class Grid {
 public:
  explicit Grid(const StageSpec& stage);

  // Cells of the full grid, excluded and undrawn ones counted too.
  std::uint64_t size() const { return size_; }
  // Cells that are trials. O(size) the first time; remembered.
  std::uint64_t TrialCount() const;
  bool IsTrial(std::uint64_t cell) const;
  // The rule that excludes the cell, or nothing.
  std::optional<std::size_t> ExcludedBy(std::uint64_t cell) const;

  // The index of the axis' value at the cell.
  std::uint32_t ValueIndex(std::uint64_t cell, std::size_t axis) const;
  const Value& ValueAt(std::uint64_t cell, std::size_t axis) const;

  // Requirement classes: cells of one class fit the same workers.
  std::uint32_t ClassCount() const { return class_count_; }
  std::uint32_t ClassOf(std::uint64_t cell) const;
  Requirement RequirementOf(std::uint32_t requirement_class) const;

  // All parameters of the cell; axes that only place (gpu_type) are not among them.
  ParamValues ParamsOf(std::uint64_t cell) const;
  // task-<cell>-<axis values>, safe as a file name.
  std::string NameOf(std::uint64_t cell) const;

 private:
  const StageSpec& stage_;
  std::uint64_t size_ = 0;
  std::uint64_t seed_block_ = 0;                // cells of one seed
  std::vector<std::uint64_t> strides_;          // per dimension
  std::vector<std::pair<std::size_t, std::size_t>> axis_place_;  // axis -> (dimension, column)
  std::vector<std::size_t> class_axes_;
  std::uint32_t class_count_ = 1;
  mutable std::optional<std::uint64_t> trial_count_;
};

// The input cells of `cell` for one need, in input order; cells of the needed stage's grid.
std::vector<std::uint64_t> InputsOf(const Grid& here, const Need& need, const Grid& there,
                                    std::uint64_t cell);

}  // namespace fusor
