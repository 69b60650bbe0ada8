#pragma once

// Who waits for slots: the classes' pending trials, in queues by what they demand. Queues are
// brought up to date once a turn, for the sweeps that changed.

#include <optional>

#include "coordinator/core/world.h"

namespace fusor::core {

// The sweep's place in the queues changed: its use of slots, its state, its pending trials.
void NoteReordered(World& world, Sweep& sweep);
// A trial became terminal, or the last one that ran ended.
void NoteMayHaveFinished(World& world, Sweep& sweep);

// A trial is ready (again).
void AddReady(World& world, Stage& stage, std::uint64_t cell);
// It is no longer: canceled or skipped.
void RemoveReady(World& world, Stage& stage, std::uint64_t cell);
// In `ready_at` of the record; AddReady follows when its back-off is over.
void AddDelayed(World& world, Trial& trial);
void RemoveDelayed(World& world, Trial& trial);

// The class's next trial; nothing when none is pending.
std::optional<std::uint64_t> NextPending(ClassQueue& queue);
// Takes it off its class, before it is granted.
void TakePending(ClassQueue& queue, std::uint64_t cell);
// Walks the untouched trials from the beginning again.
void RestartWalk(ClassQueue& queue);

// After a restore or an extension: the stage's trials with a record, and those that became ready,
// wait again. Stages come in order of need.
void RequeueStage(Turn& turn, Stage& stage);

// May trials of the sweep be started now?
bool MayStart(const Sweep& sweep);
// Stage priority where the stage sets one, else the sweep's.
int PriorityOf(const Stage& stage);

// Puts the class under the demand of its requirement and the sweep's fingerprints.
void AssignDemand(World& world, ClassQueue& queue);
// Brings the class's place in its demand's queue up to date.
void UpdateQueue(ClassQueue& queue);
// The same for every sweep that was noted.
void UpdateReordered(World& world);
// Finds the groups that suit the demand, if the fleet has changed.
void UpdateFits(const Fleet& fleet, DemandQueue& demand);
// Takes the sweep's classes out of all queues, for good.
void LeaveQueues(World& world, Sweep& sweep);
// Demands that no class has any more.
void ForgetDemands(World& world);

}  // namespace fusor::core
