#pragma once

// What the core is restored from, and what it shows of itself. Plain data.

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "coordinator/core/grid.h"
#include "coordinator/core/spec.h"
#include "coordinator/core/state.h"
#include "coordinator/core/write.h"

namespace fusor {

// The rows of state.db that the core needs: open and finished sweeps, a state byte for every trial
// with a row. Full rows of trials that are not terminal, and of failed and canceled ones, whose
// attempt numbers and counters a retry continues; succeeded trials are a byte each.
struct Snapshot {
  struct Sweep {
    PutSweep row;
    std::shared_ptr<const SweepSpec> spec;
    struct Cell {
      std::uint32_t stage = 0;
      std::uint64_t cell = 0;
      TrialState state = TrialState::kReady;
    };
    std::vector<Cell> terminal;  // trials in a terminal state
  };
  std::vector<Sweep> sweeps;
  std::vector<PutTrial> live_trials;      // rows of all trials but the succeeded ones
  std::vector<PutAttempt> live_attempts;  // granted or running
  std::vector<PutCursor> cursors;         // of live attempts
  // Checkpoints of the trials in live_trials; models of trials in stages that others need.
  std::vector<PutArtifact> artifacts;
  // Objectives of the trials in live_trials that no later attempt took over, as they came.
  std::vector<PutEvaluation> objectives;
  std::vector<PutWorker> workers;
  std::vector<PutRequest> requests;
  AttemptId last_attempt;
  ArtifactId last_artifact;
  EventId last_event;
  SweepId last_sweep;
  WorkerId last_worker;
};

// Why a trial is not running.
struct Explanation {
  TrialState state = TrialState::kBlocked;
  // In order of weight; none when it runs or has ended, but for a skipped one.
  std::vector<std::string> reasons;
  // Of a skipped trial: the first ones that failed or were canceled and because of which it is.
  std::vector<TrialKey> causes;
};

// How well the present workers serve a requirement.
struct FitReport {
  int workers_fitting = 0;
  int slots_fitting = 0;             // slots that could ever run it
  std::vector<std::string> fitting;  // worker names
  std::vector<std::string> missing;  // what stands in the way, per worker or in general
};

struct SlotView {
  std::uint32_t index = 0;
  AttemptId attempt;      // 0 = free
  std::string condition;  // empty = usable, else "quarantined: ...", "stuck: ..."
};

struct WorkerView {
  WorkerId id;
  WorkerInfo info;
  bool connected = false;
  bool draining = false;
  std::string reason;
  std::vector<SlotView> slots;
};

struct SweepView {
  SweepId id;
  SweepState state = SweepState::kRunning;
  int priority = 50;
  int max_running = 0;
  struct Stage {
    std::uint64_t cells = 0;
    std::uint64_t trials = 0;
    std::array<std::uint64_t, kTrialStates> counts{};  // by TrialState
  };
  std::vector<Stage> stages;
};

// A trial as the core sees it, with or without a row.
struct TrialView {
  bool exists = false;  // it is a cell of the grid that is a trial
  bool has_row = false;
  TrialState state = TrialState::kReady;
  std::string reason;
};

// A live attempt.
struct AttemptView {
  AttemptId id;
  TrialKey trial;
  std::uint32_t number = 0;
  std::uint32_t world = 1;
  bool suspect = false;
};

struct CoreView {
  std::vector<WorkerView> workers;
  std::vector<SweepId> sweeps;
};

}  // namespace fusor
