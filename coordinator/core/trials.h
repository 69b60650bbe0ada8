#pragma once

// The states of trials: who is in which, and the one function that moves them.

#include <string>

#include "coordinator/core/world.h"

namespace fusor::core {

TrialKey KeyOf(const Stage& stage, std::uint64_t cell);
std::string TextOf(const TrialKey& key, const Stage& stage);  // "7.experts.3"

// A sweep that was canceled as a whole has no pending trials, though nothing was written for them.
TrialState StateOf(const Stage& stage, std::uint64_t cell);

Stage* FindStage(World& world, const TrialKey& key);
const Stage* FindStage(const World& world, const TrialKey& key);
Trial* FindTrial(Stage& stage, std::uint64_t cell);
const Trial* FindTrial(const Stage& stage, std::uint64_t cell);

// The trial's record; made, with its name and parameters, when there is none.
Trial& RecordOf(Stage& stage, std::uint64_t cell);
// SHA-256 of recipe, version, parameters, data fingerprints and the hashes of its inputs.
std::string ConfigHash(const Stage& stage, std::uint64_t cell);

// Why a trial moves, and what took part in it.
struct MoveCause {
  std::string reason;
  AttemptId attempt;
  WorkerId worker;
};

// Writes the state, the row and the event, and lets those that need the trial know. In a canceled
// sweep nobody is told: all that waits there is canceled too.
void MoveTrial(Turn& turn, Trial& trial, TrialState to, const MoveCause& cause);

// Writes the state of a cell without a row. The caller sees to events.
void SetCell(Stage& stage, std::uint64_t cell, TrialState state);
void ClearCell(Stage& stage, std::uint64_t cell);

// Remembers a file that later stages may take: the newest of each name.
void NoteModel(Trial& trial, const std::string& kind, const StoredFile& file);

// Takes an evaluated objective; it counts when it is better than those before.
void NoteObjective(Trial& trial, std::int64_t step, double value);
// An attempt takes over at the step: what was evaluated behind it counts no more.
void RewindObjective(Trial& trial, std::int64_t step);

// A succeeded trial shrinks to its byte, and to its files where others take them.
void ShrinkTrial(Trial& trial);

// Trials of the stage in the state, untouched ones included.
std::uint64_t CountIn(const Stage& stage, TrialState state);

}  // namespace fusor::core
