#pragma once

// What the core knows of a sweep: its stages, their classes of pending trials, and a record for
// each trial that is or was granted and has not succeeded.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/session.h"
#include "common/base/time.h"
#include "coordinator/core/cell_walk.h"
#include "coordinator/core/cells.h"
#include "coordinator/core/grid.h"
#include "coordinator/core/needs.h"
#include "coordinator/core/spec.h"
#include "coordinator/core/write.h"

namespace fusor::core {

struct Attempt;
struct DemandQueue;
struct Stage;
struct Sweep;

// A committed checkpoint of a trial.
struct Checkpoint {
  CheckpointFact fact;
  std::vector<ArtifactId> artifacts;  // one per file
  int crashes = 0;                    // of attempts that resumed from it, soon after
};

struct Trial {
  PutTrial row;  // as last written
  Stage* stage = nullptr;
  Attempt* current = nullptr;           // its live attempt
  Time ready_at{};                      // back-off: not before
  std::vector<WorkerId> avoid;          // where it crashed
  std::vector<Checkpoint> checkpoints;  // oldest first
  std::vector<StoredFile> models;       // of the artifacts that later stages may take
  // Objectives that count, each better than the one before: step and value.
  std::vector<std::pair<std::int64_t, double>> bests;
};

// The order in which waiting classes are served: priority, then fewest slots in use, then age.
struct WaitKey {
  int negative_priority = 0;
  int slots_in_use = 0;
  SweepId sweep;
  std::uint32_t stage = 0;
  std::uint64_t cell = 0;
  friend auto operator<=>(const WaitKey&, const WaitKey&) = default;
};

// The pending trials of one requirement class of one stage.
struct ClassQueue {
  Stage* stage = nullptr;
  std::uint32_t number = 0;
  Requirement requirement;
  DemandQueue* demand = nullptr;

  // Trials nobody touched yet: a walk over the grid, in stages without needs. Nothing = all passed.
  std::unique_ptr<CellWalk> walk;
  std::optional<std::uint64_t> walk_next;
  CellSet ready;      // those that became ready, or ready again
  CellSet set_aside;  // of `ready`: no slot that suits this very trial now

  bool queued = false;  // in demand->waiting, under `key`
  WaitKey key;
  Time gang_since = kNever;  // since when its next trial finds no place
};

struct Stage {
  Sweep* sweep = nullptr;
  std::uint32_t index = 0;
  const StageSpec* spec = nullptr;
  std::unique_ptr<Grid> grid;
  CellStates states;
  std::array<std::uint64_t, kTrialStates> touched{};  // cells in `states`, by state
  std::map<std::uint64_t, std::unique_ptr<Trial>> trials;
  std::vector<std::unique_ptr<ClassQueue>> classes;
  std::vector<std::unique_ptr<NeedGroups>> needs;          // as in the spec
  std::vector<std::pair<Stage*, std::size_t>> dependents;  // (stage, its need)
  // Files of succeeded trials that dependents take, by cell; empty when nobody needs the stage.
  std::map<std::uint64_t, std::vector<StoredFile>> results;
  std::string failed;  // why the stage as a whole has failed; empty = it has not

  // Untouched cells are in this state.
  TrialState initial() const {
    return spec->needs.empty() ? TrialState::kReady : TrialState::kBlocked;
  }
};

struct Sweep {
  PutSweep row;
  std::shared_ptr<const SweepSpec> spec;
  std::vector<std::unique_ptr<Stage>> stages;
  int slots_in_use = 0;
  int running = 0;              // live attempts
  std::uint64_t delayed = 0;    // trials in back-off
  bool order_changed = false;   // in World::reordered
  bool check_finished = false;  // in World::to_finish
};

}  // namespace fusor::core
