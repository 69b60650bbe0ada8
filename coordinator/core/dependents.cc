#include "coordinator/core/dependents.h"

#include <map>

#include "common/base/count.h"
#include "coordinator/core/trials.h"
#include "coordinator/core/waiting.h"

namespace fusor::core {

namespace {

// How many trials of a stage moved where, for one event each.
struct Tally {
  std::uint64_t skipped = 0;
  std::uint64_t revived = 0;
  std::uint64_t released = 0;
};
using Tallies =
    std::map<Stage*, Tally,
             decltype([](const Stage* a, const Stage* b) { return a->index < b->index; })>;

bool IsEndedBadly(TrialState state) { return IsTerminal(state) && state != TrialState::kSucceeded; }

void Walk(Turn& turn, Stage& stage, CellWalk::Rows rows, Tallies& tallies);

// The groups that take the trial, if what the trial's move does to them matters.
void Spread(Turn& turn, Stage& stage, std::uint64_t cell, TrialState from, Tallies& tallies) {
  const TrialState to = StateOf(stage, cell);
  for (const auto& [there, number] : stage.dependents) {
    NeedGroups& need = *there->needs[number];
    const auto group = need.GroupOfThere(cell);
    if (!group) continue;
    need.InputMoved(*group, from, to);
    const NeedGroups::Inputs inputs = need.InputsOfGroup(*group);
    const bool completed = inputs.waiting == 0 && inputs.failed == 0;
    if (completed || IsEndedBadly(to) || IsEndedBadly(from)) {
      Walk(turn, *there, need.RowsOf(*group), tallies);
    }
  }
}

// Where a trial without a row belongs: all that was decided on it follows from its inputs and its
// stage.
TrialState StateWithoutRow(Stage& stage, std::uint64_t cell) {
  const TrialState state = StateByInputs(stage, cell);
  const bool pending = state == TrialState::kBlocked || state == TrialState::kReady;
  return pending && !stage.failed.empty() ? TrialState::kCanceled : state;
}

// Somebody decided on the trial before, so it has a row; while it was not granted yet, its inputs
// decide whether it is pending or skipped.
void ResettleRow(Turn& turn, Trial& trial, Tallies& tallies) {
  const TrialState from = trial.row.state;
  const bool by_inputs =
      from == TrialState::kBlocked || from == TrialState::kReady || from == TrialState::kSkipped;
  if (!by_inputs || trial.row.attempts > 0) return;
  Stage& stage = *trial.stage;
  const std::uint64_t cell = trial.row.key.cell;
  const TrialState to = StateByInputs(stage, cell);
  if (to == from) return;
  if (from == TrialState::kReady) RemoveReady(turn.world, stage, cell);
  MoveTrial(turn, trial, to, {"its inputs have moved"});
  if (to == TrialState::kReady) AddReady(turn.world, stage, cell);
  if (to == TrialState::kSkipped) ++tallies[&stage].skipped;
}

// Puts one trial where it belongs, unless it runs or ran.
void Resettle(Turn& turn, Stage& stage, std::uint64_t cell, Tallies& tallies) {
  const TrialState from = stage.states.Get(cell).value_or(stage.initial());
  if (from == TrialState::kRunning || from == TrialState::kSucceeded) return;
  if (Trial* trial = FindTrial(stage, cell)) {
    ResettleRow(turn, *trial, tallies);
    return;
  }
  const TrialState to = StateWithoutRow(stage, cell);
  if (to == from) return;
  if (from == TrialState::kReady) RemoveReady(turn.world, stage, cell);
  if (to == stage.initial()) {
    ClearCell(stage, cell);
  } else {
    SetCell(stage, cell, to);
    if (to == TrialState::kReady) AddReady(turn.world, stage, cell);
  }
  Tally& tally = tallies[&stage];
  if (to == TrialState::kSkipped) ++tally.skipped;
  if (to == TrialState::kReady) ++tally.released;
  if (IsTerminal(from) && !IsTerminal(to)) ++tally.revived;
  if (IsTerminal(to)) NoteMayHaveFinished(turn.world, *stage.sweep);
  if (IsTerminal(from) != IsTerminal(to)) Spread(turn, stage, cell, from, tallies);
}

void Walk(Turn& turn, Stage& stage, CellWalk::Rows rows, Tallies& tallies) {
  const CellWalk walk(*stage.grid, std::move(rows));
  for (auto cell = walk.Next(0); cell; cell = walk.Next(*cell + 1)) {
    Resettle(turn, stage, *cell, tallies);
  }
}

void Report(Turn& turn, const Tallies& tallies, const std::string& cause) {
  const auto happened = [&](const Stage& stage, const char* kind, std::uint64_t count) {
    if (count == 0) return;
    turn.Happened({.kind = kind,
                   .sweep = stage.sweep->row.id,
                   .detail = CountOf(count, "trial") + " of " + stage.spec->name,
                   .reason = cause});
  };
  for (const auto& [stage, tally] : tallies) {
    happened(*stage, "trials_skipped", tally.skipped);
    happened(*stage, "trials_revived", tally.revived);
    happened(*stage, "trials_ready", tally.released);
  }
}

}  // namespace

TrialState StateByInputs(Stage& stage, std::uint64_t cell) {
  bool waiting = false;
  for (const auto& need : stage.needs) {
    const Stage& there = *stage.sweep->stages[need->need().stage];
    const NeedGroups::Inputs inputs = need->InputsOfGroup(need->GroupOfHere(cell));
    if (inputs.failed > 0 || !there.failed.empty()) return TrialState::kSkipped;
    if (inputs.waiting > 0) waiting = true;
  }
  return waiting ? TrialState::kBlocked : TrialState::kReady;
}

void InputMoved(Turn& turn, Stage& stage, std::uint64_t cell, TrialState from) {
  Tallies tallies;
  Spread(turn, stage, cell, from, tallies);
  const std::string text = TextOf(KeyOf(stage, cell), stage);
  const TrialState state = StateOf(stage, cell);
  const std::string_view verb = !IsTerminal(state) ? " is "
                                : state == TrialState::kSucceeded || state == TrialState::kFailed
                                    ? " has "
                                    : " was ";
  Report(turn, tallies, text + std::string(verb) + std::string(Name(state)));
}

void StageMoved(Turn& turn, Stage& stage) {
  Tallies tallies;
  for (const auto& [there, number] : stage.dependents) there->needs[number]->Recount();
  for (const auto& [there, number] : stage.dependents) Walk(turn, *there, {}, tallies);
  Report(turn, tallies,
         "stage " + stage.spec->name + (stage.failed.empty() ? " goes on" : " has failed"));
}

void SettleAll(Turn& turn, Stage& stage) {
  Tallies tallies;
  Walk(turn, stage, {}, tallies);
}

void SettleStage(Turn& turn, Stage& stage) {
  Tallies tallies;
  std::set<std::pair<std::size_t, std::uint64_t>> groups;
  bool all = !stage.failed.empty();
  for (std::size_t number = 0; number < stage.needs.size(); ++number) {
    const Stage& there = *stage.sweep->stages[stage.needs[number]->need().stage];
    all = all || !there.failed.empty();
    for (auto cell = there.states.NextTouched(0); cell;
         cell = there.states.NextTouched(*cell + 1)) {
      if (!IsTerminal(*there.states.Get(*cell))) continue;
      const auto group = stage.needs[number]->GroupOfThere(*cell);
      if (group) groups.emplace(number, *group);
    }
  }
  if (all) {
    Walk(turn, stage, {}, tallies);
    return;
  }
  for (const auto& [number, group] : groups) {
    Walk(turn, stage, stage.needs[number]->RowsOf(group), tallies);
  }
}

void SettleBlocked(Turn& turn, Stage& stage) {
  if (CountIn(stage, TrialState::kBlocked) == 0) return;
  Tallies tallies;
  Walk(turn, stage, {}, tallies);
  Report(turn, tallies, "all its inputs have ended");
}

std::vector<std::string> MissingInputs(const Stage& stage, std::uint64_t cell, std::size_t limit) {
  std::vector<std::string> missing;
  std::uint64_t more = 0;
  for (const auto& need : stage.needs) {
    const Stage& there = *stage.sweep->stages[need->need().stage];
    for (const std::uint64_t input : need->InputCells(cell)) {
      const TrialState state = StateOf(there, input);
      if (state == TrialState::kSucceeded) continue;
      if (missing.size() == limit) {
        ++more;
        continue;
      }
      missing.push_back("waits for " + TextOf(KeyOf(there, input), there) + " (" +
                        std::string(Name(state)) + ")");
    }
  }
  if (more > 0) missing.push_back("and for " + CountOf(more, "more trial"));
  return missing;
}

}  // namespace fusor::core
