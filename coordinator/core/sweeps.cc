#include "coordinator/core/sweeps.h"

#include <algorithm>

#include "coordinator/core/attempts.h"
#include "coordinator/core/dependents.h"
#include "coordinator/core/stage_failure.h"
#include "coordinator/core/trials.h"
#include "coordinator/core/waiting.h"

namespace fusor::core {

namespace {

void MakeClasses(World& world, Stage& stage) {
  for (std::uint32_t number = 0; number < stage.grid->ClassCount(); ++number) {
    auto queue = std::make_unique<ClassQueue>();
    queue->stage = &stage;
    queue->number = number;
    queue->requirement = stage.grid->RequirementOf(number);
    if (stage.spec->needs.empty()) {
      queue->walk = std::make_unique<CellWalk>(*stage.grid, stage.grid->RowsOfClass(number));
      queue->walk_next = queue->walk->Next(0);
    }
    AssignDemand(world, *queue);
    stage.classes.push_back(std::move(queue));
  }
}

void MakeNeeds(Sweep& sweep, Stage& stage) {
  stage.needs.clear();
  for (const Need& need : stage.spec->needs) {
    const Stage& there = *sweep.stages[need.stage];
    stage.needs.push_back(
        std::make_unique<NeedGroups>(*stage.grid, need, *there.grid, there.states));
  }
}

void MakeStages(World& world, Sweep& sweep) {
  for (std::uint32_t index = 0; index < sweep.spec->stages.size(); ++index) {
    auto stage = std::make_unique<Stage>();
    stage->sweep = &sweep;
    stage->index = index;
    stage->spec = &sweep.spec->stages[index];
    stage->grid = std::make_unique<Grid>(*stage->spec);
    sweep.stages.push_back(std::move(stage));
  }
  for (const auto& stage : sweep.stages) {
    MakeNeeds(sweep, *stage);
    for (std::size_t number = 0; number < stage->spec->needs.size(); ++number) {
      Stage& there = *sweep.stages[stage->spec->needs[number].stage];
      there.dependents.emplace_back(stage.get(), number);
    }
    MakeClasses(world, *stage);
  }
}

bool HasPending(Sweep& sweep) {
  for (const auto& stage : sweep.stages) {
    for (const auto& queue : stage->classes) {
      if (!queue->set_aside.empty() || NextPending(*queue)) return true;
    }
  }
  return false;
}

// What was decided on trials without a row follows from the rows again when the cancel is undone.
void ForgetPending(Stage& stage) {
  for (auto cell = stage.states.NextTouched(0); cell; cell = stage.states.NextTouched(*cell + 1)) {
    const bool has_row =
        stage.states.Get(*cell) == TrialState::kSucceeded || FindTrial(stage, *cell) != nullptr;
    if (!has_row) ClearCell(stage, *cell);
  }
  for (const auto& queue : stage.classes) {
    queue->ready.Clear();
    queue->set_aside.Clear();
  }
  stage.failed.clear();
}

}  // namespace

Sweep& AddSweep(World& world, const PutSweep& row, std::shared_ptr<const SweepSpec> spec) {
  auto& sweep = world.sweeps[row.id];
  sweep = std::make_unique<Sweep>();
  sweep->row = row;
  sweep->spec = std::move(spec);
  MakeStages(world, *sweep);
  if (IsOpen(row.state)) ++world.open_sweeps;
  NoteReordered(world, *sweep);
  NoteMayHaveFinished(world, *sweep);
  return *sweep;
}

void ReplaceSpec(Turn& turn, Sweep& sweep, std::shared_ptr<const SweepSpec> spec) {
  World& world = turn.world;
  LeaveQueues(world, sweep);
  sweep.order_changed = sweep.check_finished = false;
  const std::shared_ptr<const SweepSpec> old = std::exchange(sweep.spec, std::move(spec));
  for (const auto& stage : sweep.stages) {
    stage->spec = &sweep.spec->stages[stage->index];
    stage->needs.clear();
    stage->classes.clear();
    stage->grid = std::make_unique<Grid>(*stage->spec);
  }
  for (const auto& stage : sweep.stages) {
    MakeNeeds(sweep, *stage);
    MakeClasses(world, *stage);
  }
  for (const auto& stage : sweep.stages) {
    RequeueStage(turn, *stage);
    // More trials: the share that failed is smaller now.
    ReopenStage(turn, *stage);
  }
  NoteReordered(world, sweep);
  NoteMayHaveFinished(world, sweep);
}

bool IsOpen(SweepState state) {
  return state == SweepState::kRunning || state == SweepState::kPaused;
}

void MoveSweep(Turn& turn, Sweep& sweep, SweepState to, const std::string& reason) {
  const SweepState from = sweep.row.state;
  sweep.row.state = to;
  const bool over = !IsOpen(to);
  if (IsOpen(from) && over) --turn.world.open_sweeps;
  if (!IsOpen(from) && !over) ++turn.world.open_sweeps;
  sweep.row.ended = over ? turn.now : kNever;
  if (to != SweepState::kPaused) sweep.row.releasing = false;
  turn.Write(sweep.row);
  PutEvent event{.kind = "sweep_moved", .sweep = sweep.row.id, .reason = reason};
  event.detail.append(Name(from)).append(" -> ").append(Name(to));
  turn.Happened(std::move(event));
  NoteReordered(turn.world, sweep);
  NoteMayHaveFinished(turn.world, sweep);
}

void FinishSweeps(Turn& turn) {
  const std::vector<Sweep*> sweeps = std::exchange(turn.world.to_finish, {});
  for (Sweep* sweep : sweeps) {
    sweep->check_finished = false;
    if (!IsOpen(sweep->row.state) || sweep->running > 0 || sweep->delayed > 0) continue;
    if (HasPending(*sweep)) continue;
    for (const auto& stage : sweep->stages) SettleBlocked(turn, *stage);
    if (HasPending(*sweep)) continue;
    MoveSweep(turn, *sweep, SweepState::kFinished, "every trial has ended");
  }
}

std::uint64_t CancelWhole(Turn& turn, Sweep& sweep, const std::string& reason) {
  std::uint64_t count = 0;
  for (const auto& stage : sweep.stages) {
    for (const TrialState state :
         {TrialState::kBlocked, TrialState::kReady, TrialState::kRunning}) {
      count += CountIn(*stage, state);
    }
  }
  MoveSweep(turn, sweep, SweepState::kCanceled, reason);
  for (const auto& stage : sweep.stages) {
    std::vector<Trial*> trials;
    for (const auto& [cell, trial] : stage->trials) trials.push_back(trial.get());
    for (Trial* trial : trials) CancelTrial(turn, *trial, reason);
    ForgetPending(*stage);
  }
  return count;
}

bool CancelTrial(Turn& turn, Trial& trial, const std::string& reason) {
  if (IsTerminal(trial.row.state)) return false;
  MoveCause cause{.reason = reason};
  if (trial.current != nullptr) {
    cause.attempt = trial.current->row.id;
    cause.worker = trial.current->row.worker;
    StopAttempt(turn, *trial.current, {StopMode::kAbort, reason, Failure::kCanceled});
  } else {
    RemoveDelayed(turn.world, trial);
    RemoveReady(turn.world, *trial.stage, trial.row.key.cell);
  }
  trial.row.failure = Failure::kCanceled;
  MoveTrial(turn, trial, TrialState::kCanceled, cause);
  return true;
}

bool ReviveTrial(Turn& turn, Trial& trial) {
  const bool over =
      trial.row.state == TrialState::kFailed || trial.row.state == TrialState::kCanceled;
  Stage& stage = *trial.stage;
  const TrialState to = StateByInputs(stage, trial.row.key.cell);
  if (!over || to == TrialState::kSkipped) return false;
  if (trial.current != nullptr) {
    // What is left of its last attempt is fenced off.
    const Outcome outcome{OutcomeKind::kFailed, Failure::kCanceled, 0, "replaced by a retry"};
    CloseAttempt(turn, *trial.current, {AttemptState::kEnded, outcome, ""});
  }
  trial.row.crashes = trial.row.losses = 0;
  trial.row.other_failures.clear();
  trial.row.limited_ms = 0;
  trial.avoid.clear();
  MoveTrial(turn, trial, to, {"retried by request"});
  if (to == TrialState::kReady) AddReady(turn.world, stage, trial.row.key.cell);
  return true;
}

void Uncancel(Turn& turn, Sweep& sweep) {
  MoveSweep(turn, sweep, SweepState::kRunning, "retried by request");
  // What moved while it was canceled was told to nobody.
  for (const auto& stage : sweep.stages) MakeNeeds(sweep, *stage);
  for (const auto& stage : sweep.stages) {
    for (const auto& queue : stage->classes) RestartWalk(*queue);
    SettleStage(turn, *stage);
  }
}

}  // namespace fusor::core
