#include "coordinator/core/views.h"

#include <algorithm>

#include "coordinator/core/trials.h"

namespace fusor::core {

namespace {

// Why a trial without a row is in its state.
std::string ReasonOf(const Stage& stage, TrialState state) {
  switch (state) {
    case TrialState::kBlocked:
      return "its inputs have not all succeeded";
    case TrialState::kReady:
      return "waits for slots";
    case TrialState::kSkipped:
      return "a trial or stage that it needs did not succeed";
    case TrialState::kCanceled:
      return stage.failed.empty() ? "its sweep was canceled" : stage.failed;
    case TrialState::kRunning:
    case TrialState::kSucceeded:
    case TrialState::kFailed:
      return "";
  }
  return "";
}

}  // namespace

CoreView ViewOf(const World& world) {
  CoreView view;
  for (const auto& [id, worker] : world.fleet.workers()) {
    WorkerView shown{.id = id,
                     .info = worker->info,
                     .connected = static_cast<bool>(worker->session) && !worker->silent,
                     .draining = worker->draining || worker->leaving,
                     .reason = worker->reason};
    for (const Slot& slot : worker->slots) {
      if (slot.offered) shown.slots.push_back({slot.info.index, slot.owner, slot.Condition()});
    }
    view.workers.push_back(std::move(shown));
  }
  for (const auto& [id, sweep] : world.sweeps) view.sweeps.push_back(id);
  return view;
}

SweepView ViewOf(const Sweep& sweep) {
  SweepView view{.id = sweep.row.id,
                 .state = sweep.row.state,
                 .priority = sweep.row.priority,
                 .max_running = sweep.row.max_running};
  for (const auto& stage : sweep.stages) {
    SweepView::Stage shown{.cells = stage->grid->size(), .trials = stage->grid->TrialCount()};
    for (int state = 0; state < kTrialStates; ++state) {
      shown.counts[state] = CountIn(*stage, static_cast<TrialState>(state));
    }
    view.stages.push_back(shown);
  }
  return view;
}

TrialView ViewOf(const World& world, const TrialKey& key) {
  TrialView view;
  const Stage* stage = FindStage(world, key);
  if (stage == nullptr || !stage->grid->IsTrial(key.cell)) return view;
  view.exists = true;
  view.state = StateOf(*stage, key.cell);
  const Trial* trial = FindTrial(*stage, key.cell);
  view.has_row = trial != nullptr || view.state == TrialState::kSucceeded;
  view.reason = trial != nullptr ? trial->row.reason : ReasonOf(*stage, view.state);
  return view;
}

AttemptView ViewOf(const Attempt& attempt) {
  const bool suspect = std::any_of(attempt.parts.begin(), attempt.parts.end(),
                                   [](const Part& part) { return part.suspect; });
  return {.id = attempt.row.id,
          .trial = attempt.row.trial,
          .number = attempt.row.number,
          .world = static_cast<std::uint32_t>(attempt.ranks.size()),
          .suspect = suspect};
}

}  // namespace fusor::core
