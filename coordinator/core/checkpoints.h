#pragma once

// The checkpoints of a trial: which are kept, which one the next attempt goes on from, and how much
// of its time limit is left.

#include <optional>

#include "coordinator/core/world.h"

namespace fusor::core {

// The newest committed one; -1 = from the beginning.
std::int64_t ResumeStep(const Trial& trial);
std::optional<CheckpointFact> CheckpointAt(const Trial& trial, std::int64_t step);

// Writes the artifact rows, drops what `checkpoint.keep` no longer keeps.
void CommitCheckpoint(Turn& turn, Trial& trial, AttemptId attempt, const CheckpointFact& fact);

// The attempt has crashed. Two crashes soon after one checkpoint remove it, so that the next
// attempt goes on from the one before.
void BlameCheckpoint(Turn& turn, Trial& trial, const Attempt& attempt, Duration running);

// Running time until the trial's limit; 0 = no limit; at least 1 ms when there is one.
Duration TimeLeft(const Trial& trial);

}  // namespace fusor::core
