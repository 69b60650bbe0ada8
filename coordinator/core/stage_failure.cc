#include "coordinator/core/stage_failure.h"

#include <cmath>
#include <vector>

#include "common/base/count.h"
#include "coordinator/core/dependents.h"
#include "coordinator/core/sweeps.h"
#include "coordinator/core/trials.h"
#include "coordinator/core/waiting.h"

namespace fusor::core {

namespace {

std::uint64_t FailedTrials(const Stage& stage) {
  return stage.touched[static_cast<std::size_t>(TrialState::kFailed)];
}

bool HasFailedNow(const Stage& stage) {
  const std::uint64_t failed = FailedTrials(stage);
  return failed > 0 && HasFailed(stage.sweep->spec->on_failure, failed, stage.grid->TrialCount());
}

std::string LimitWords(const Stage& stage) {
  const double share = stage.sweep->spec->on_failure.max_failed;
  return " of " + stage.spec->name + " failed, more than " +
         std::to_string(std::lround(share * 100)) + "%";
}

std::string ReasonOf(const Stage& stage) {
  return CountText(FailedTrials(stage)) + " of " + CountOf(stage.grid->TrialCount(), "trial") +
         LimitWords(stage);
}

// Its row says so, also after a restart and when more trials have failed since.
bool WasCanceledWithStage(const Trial& trial) {
  return trial.row.state == TrialState::kCanceled &&
         trial.row.reason.ends_with(LimitWords(*trial.stage));
}

}  // namespace

bool HasFailed(const FailurePolicy& policy, std::uint64_t failed, std::uint64_t trials) {
  return static_cast<double>(failed) > policy.max_failed * static_cast<double>(trials) + 1e-9;
}

void CloseStage(Turn& turn, Stage& stage) {
  if (!stage.failed.empty() || !HasFailedNow(stage)) return;
  stage.failed = ReasonOf(stage);
  std::vector<Trial*> pending;
  for (const auto& [cell, trial] : stage.trials) {
    const TrialState state = trial->row.state;
    if (state == TrialState::kReady || state == TrialState::kBlocked)
      pending.push_back(trial.get());
  }
  for (Trial* trial : pending) CancelTrial(turn, *trial, stage.failed);
  SettleAll(turn, stage);
  NoteReordered(turn.world, *stage.sweep);
}

void RecloseStage(Stage& stage) {
  if (HasFailedNow(stage)) stage.failed = ReasonOf(stage);
}

void CheckStage(Turn& turn, Stage& stage) {
  if (!stage.failed.empty() || !HasFailedNow(stage)) return;
  Sweep& sweep = *stage.sweep;
  turn.Happened({.kind = "stage_failed",
                 .sweep = sweep.row.id,
                 .detail = stage.spec->name,
                 .reason = ReasonOf(stage)});
  if (sweep.spec->on_failure.stage == StageFailure::kCancel) {
    CancelWhole(turn, sweep, "stage " + stage.spec->name + " has failed: " + ReasonOf(stage));
    return;
  }
  CloseStage(turn, stage);
  StageMoved(turn, stage);
}

void ReopenStage(Turn& turn, Stage& stage) {
  if (stage.failed.empty() || HasFailedNow(stage)) return;
  stage.failed.clear();
  for (const auto& [cell, trial] : stage.trials) {
    if (WasCanceledWithStage(*trial)) ReviveTrial(turn, *trial);
  }
  SettleAll(turn, stage);
  for (const auto& queue : stage.classes) RestartWalk(*queue);
  NoteReordered(turn.world, *stage.sweep);
  turn.Happened({.kind = "stage_reopened",
                 .sweep = stage.sweep->row.id,
                 .detail = stage.spec->name,
                 .reason = "failed trials are tried again"});
  StageMoved(turn, stage);
}

}  // namespace fusor::core
