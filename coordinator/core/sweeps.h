#pragma once

// Sweeps as a whole: made, finished, canceled, extended.

#include <memory>
#include <string>

#include "coordinator/core/world.h"

namespace fusor::core {

// Stages, classes and queues of the sweep; its trials are untouched.
Sweep& AddSweep(World& world, const PutSweep& row, std::shared_ptr<const SweepSpec> spec);

// Gives the sweep another spec of the same shape with more seeds: cells keep their numbers.
void ReplaceSpec(Turn& turn, Sweep& sweep, std::shared_ptr<const SweepSpec> spec);

// Not finished and not canceled.
bool IsOpen(SweepState state);

// Writes row and event.
void MoveSweep(Turn& turn, Sweep& sweep, SweepState to, const std::string& reason);

// Ends sweeps whose last trial has ended.
void FinishSweeps(Turn& turn);

// One write for all pending trials, plus a row for each that was ever granted. How many trials
// ended.
std::uint64_t CancelWhole(Turn& turn, Sweep& sweep, const std::string& reason);

// The trial is canceled now; its process, if any, is told to end. False when it was over already.
bool CancelTrial(Turn& turn, Trial& trial, const std::string& reason);

// A failed or canceled trial gets another try with all its retries. False when it cannot.
bool ReviveTrial(Turn& turn, Trial& trial);

// A canceled sweep is none any more: its pending trials wait again.
void Uncancel(Turn& turn, Sweep& sweep);

}  // namespace fusor::core
