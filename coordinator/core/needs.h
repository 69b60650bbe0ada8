#pragma once

// When is a trial ready that takes other trials as inputs? What a trial takes from one needed stage
// is decided by its values on the matched axes alone, so trials with equal values form a group that
// becomes ready together. A group costs memory only while some but not all of its inputs have
// ended.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "coordinator/core/cell_walk.h"
#include "coordinator/core/cells.h"
#include "coordinator/core/grid.h"

namespace fusor::core {

// One need of one stage. Holds references to both grids and to the needed stage's states.
class NeedGroups {
 public:
  NeedGroups(const Grid& here, const Need& need, const Grid& there, const CellStates& states);

  const Need& need() const { return need_; }

  // The group of a trial of the needing stage.
  std::uint64_t GroupOfHere(std::uint64_t cell) const;
  // The group that takes the trial of the needed stage; nothing when none does.
  std::optional<std::uint64_t> GroupOfThere(std::uint64_t cell) const;

  struct Inputs {
    std::uint64_t waiting = 0;  // not terminal yet
    std::uint64_t failed = 0;   // terminal without success
  };
  // From the states as they are now; remembered while it is not complete.
  Inputs InputsOfGroup(std::uint64_t group);
  // Inputs moved without being told of one by one: groups are counted anew when asked for.
  void Recount() { begun_.clear(); }
  // Tells that an input of the group moved between waiting, failed and succeeded.
  void InputMoved(std::uint64_t group, std::optional<TrialState> from, TrialState to);

  // The rows of the needing stage's dimensions that the group's trials have.
  CellWalk::Rows RowsOf(std::uint64_t group) const;
  // The inputs of a trial, in input order.
  std::vector<std::uint64_t> InputCells(std::uint64_t cell) const;

 private:
  Inputs Count(std::uint64_t group) const;

  const Grid& here_;
  const Need& need_;
  const Grid& there_;
  const CellStates& states_;
  std::map<std::uint64_t, Inputs> begun_;
};

}  // namespace fusor::core
