#include "coordinator/core/trials.h"

#include <algorithm>
#include <cmath>

#include "common/base/check.h"
#include "common/base/sha256.h"
#include "coordinator/core/dependents.h"
#include "coordinator/core/waiting.h"

namespace fusor::core {

namespace {

bool IsPending(TrialState state) {
  return state == TrialState::kBlocked || state == TrialState::kReady;
}

// Trials of the stage that nothing was decided on.
std::uint64_t Untouched(const Stage& stage) {
  std::uint64_t touched = 0;
  for (const std::uint64_t count : stage.touched) touched += count;
  return stage.grid->TrialCount() - touched;
}

}  // namespace

TrialKey KeyOf(const Stage& stage, std::uint64_t cell) {
  return {stage.sweep->row.id, stage.index, cell};
}

std::string TextOf(const TrialKey& key, const Stage& stage) {
  return std::to_string(key.sweep.value) + "." + stage.spec->name + "." + std::to_string(key.cell);
}

TrialState StateOf(const Stage& stage, std::uint64_t cell) {
  const TrialState state = stage.states.Get(cell).value_or(stage.initial());
  const bool canceled = stage.sweep->row.state == SweepState::kCanceled;
  return canceled && IsPending(state) ? TrialState::kCanceled : state;
}

const Stage* FindStage(const World& world, const TrialKey& key) {
  const auto sweep = world.sweeps.find(key.sweep);
  if (sweep == world.sweeps.end() || key.stage >= sweep->second->stages.size()) return nullptr;
  return sweep->second->stages[key.stage].get();
}

Stage* FindStage(World& world, const TrialKey& key) {
  return const_cast<Stage*>(FindStage(static_cast<const World&>(world), key));
}

const Trial* FindTrial(const Stage& stage, std::uint64_t cell) {
  const auto found = stage.trials.find(cell);
  return found == stage.trials.end() ? nullptr : found->second.get();
}

Trial* FindTrial(Stage& stage, std::uint64_t cell) {
  return const_cast<Trial*>(FindTrial(static_cast<const Stage&>(stage), cell));
}

Trial& RecordOf(Stage& stage, std::uint64_t cell) {
  auto& trial = stage.trials[cell];
  if (trial) return *trial;
  trial = std::make_unique<Trial>();
  trial->stage = &stage;
  trial->row.key = KeyOf(stage, cell);
  trial->row.state = StateOf(stage, cell);
  trial->row.name = stage.grid->NameOf(cell);
  trial->row.params = CanonicalConfig(stage.grid->ParamsOf(cell));
  return *trial;
}

std::string ConfigHash(const Stage& stage, std::uint64_t cell) {
  const Trial* trial = FindTrial(stage, cell);
  std::string text = "{\"config\":";
  text += trial != nullptr ? trial->row.params : CanonicalConfig(stage.grid->ParamsOf(cell));
  const Requirement& requirement = stage.classes[stage.grid->ClassOf(cell)]->requirement;
  const auto& fingerprints = stage.sweep->row.fingerprints;
  const auto data = fingerprints.find(requirement.dataset);
  if (data != fingerprints.end()) text += ",\"data\":" + JsonQuote(data->second);
  if (!stage.needs.empty()) {
    text += ",\"inputs\":[";
    for (const auto& need : stage.needs) {
      const Stage& there = *stage.sweep->stages[need->need().stage];
      for (const std::uint64_t input : need->InputCells(cell)) {
        if (text.back() != '[') text += ',';
        text += JsonQuote(ConfigHash(there, input));
      }
    }
    text += ']';
  }
  text += ",\"recipe\":" + JsonQuote(stage.spec->recipe);
  text += ",\"version\":" + std::to_string(stage.spec->recipe_version) + "}";
  return Sha256Hex(text);
}

void SetCell(Stage& stage, std::uint64_t cell, TrialState state) {
  ClearCell(stage, cell);
  ++stage.touched[static_cast<std::size_t>(state)];
  stage.states.Set(cell, state);
}

void ClearCell(Stage& stage, std::uint64_t cell) {
  const auto before = stage.states.Get(cell);
  if (!before) return;
  --stage.touched[static_cast<std::size_t>(*before)];
  stage.states.Clear(cell);
}

void MoveTrial(Turn& turn, Trial& trial, TrialState to, const MoveCause& cause) {
  Stage& stage = *trial.stage;
  const TrialState from = trial.row.state;
  CHECK(CanMove(from, to));
  SetCell(stage, trial.row.key.cell, to);
  trial.row.state = to;
  trial.row.reason = cause.reason;
  trial.row.ended = IsTerminal(to) ? turn.now : kNever;
  if (!IsTerminal(to) || to == TrialState::kSucceeded) trial.row.failure = Failure::kNone;
  turn.Write(trial.row);
  PutEvent event{.kind = "trial_moved",
                 .sweep = trial.row.key.sweep,
                 .trial = trial.row.key,
                 .has_trial = true,
                 .attempt = cause.attempt,
                 .worker = cause.worker,
                 .reason = cause.reason};
  event.detail.append(Name(from)).append(" -> ").append(Name(to));
  turn.Happened(std::move(event));
  if (IsTerminal(to)) NoteMayHaveFinished(turn.world, *stage.sweep);
  const bool canceled = stage.sweep->row.state == SweepState::kCanceled;
  if (!stage.dependents.empty() && !canceled && IsTerminal(from) != IsTerminal(to)) {
    InputMoved(turn, stage, trial.row.key.cell, from);
  }
}

void NoteModel(Trial& trial, const std::string& kind, const StoredFile& file) {
  if (trial.stage->dependents.empty() || kind != "model") return;
  const auto takes = [&](const auto& dependent) {
    const auto& [stage, number] = dependent;
    return file.name.starts_with(stage->spec->needs[number].best ? "best/" : "last/");
  };
  const auto& dependents = trial.stage->dependents;
  if (std::none_of(dependents.begin(), dependents.end(), takes)) return;
  std::erase_if(trial.models, [&](const StoredFile& old) { return old.name == file.name; });
  trial.models.push_back(file);
}

void NoteObjective(Trial& trial, std::int64_t step, double value) {
  if (!std::isfinite(value)) return;
  const bool maximize = trial.stage->sweep->spec->objective.maximize;
  PutTrial& row = trial.row;
  if (row.has_objective && !(maximize ? value > row.objective : value < row.objective)) return;
  row.has_objective = true;
  row.objective = value;
  row.objective_step = step;
  trial.bests.emplace_back(step, value);
}

void RewindObjective(Trial& trial, std::int64_t step) {
  PutTrial& row = trial.row;
  if (!row.has_objective || row.objective_step <= step) return;
  std::erase_if(trial.bests, [&](const auto& best) { return best.first > step; });
  row.has_objective = !trial.bests.empty();
  row.objective_step = row.has_objective ? trial.bests.back().first : 0;
  row.objective = row.has_objective ? trial.bests.back().second : 0;
}

void ShrinkTrial(Trial& trial) {
  Stage& stage = *trial.stage;
  const std::uint64_t cell = trial.row.key.cell;
  if (!stage.dependents.empty()) stage.results[cell] = std::move(trial.models);
  stage.trials.erase(cell);
}

std::uint64_t CountIn(const Stage& stage, TrialState state) {
  const std::uint64_t touched = stage.touched[static_cast<std::size_t>(state)];
  const bool canceled = stage.sweep->row.state == SweepState::kCanceled;
  if (canceled && IsPending(state)) return 0;
  if (canceled && state == TrialState::kCanceled) {
    return touched + stage.touched[static_cast<std::size_t>(TrialState::kBlocked)] +
           stage.touched[static_cast<std::size_t>(TrialState::kReady)] + Untouched(stage);
  }
  return state == stage.initial() ? touched + Untouched(stage) : touched;
}

}  // namespace fusor::core
