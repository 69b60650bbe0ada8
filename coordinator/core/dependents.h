#pragma once

// What becomes of trials that take others as inputs: blocked until all have succeeded, then ready;
// skipped when one ends otherwise; blocked or ready again when that one is retried.

#include <optional>

#include "coordinator/core/world.h"

namespace fusor::core {

// The trial's state was `from` and is now another, and that matters to those that need it.
void InputMoved(Turn& turn, Stage& stage, std::uint64_t cell, TrialState from);

// Looks anew at every trial of the stages that need this one: it has failed as a whole, or no
// longer.
void StageMoved(Turn& turn, Stage& stage);

// The stage has failed, or goes on: puts each of its trials that has no row where it belongs.
void SettleAll(Turn& turn, Stage& stage);

// After a restore, an extension or an undone cancel: puts every trial that waits for inputs where
// it belongs, without events. Stages come in order of need.
void SettleStage(Turn& turn, Stage& stage);

// Nothing runs or waits any more, so nothing can be blocked: a trial whose inputs never moved, as
// it has none, is put where it belongs.
void SettleBlocked(Turn& turn, Stage& stage);

// What the trial's inputs make of it: blocked, ready or skipped.
TrialState StateByInputs(Stage& stage, std::uint64_t cell);

// "waits for 7.experts.3 (running)" for each input that has not succeeded.
std::vector<std::string> MissingInputs(const Stage& stage, std::uint64_t cell, std::size_t limit);

}  // namespace fusor::core
