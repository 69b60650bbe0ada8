#pragma once

// When has a stage as a whole failed, and what follows: `on_failure` of the sweep file.

#include "coordinator/core/world.h"

namespace fusor::core {

// More than the allowed share of its trials have failed.
bool HasFailed(const FailurePolicy& policy, std::uint64_t failed, std::uint64_t trials);

// A trial of the stage has failed: maybe the stage has now.
void CheckStage(Turn& turn, Stage& stage);

// Trials were retried: a failed stage may go on.
void ReopenStage(Turn& turn, Stage& stage);

// Marks the stage failed and cancels its pending trials, but tells no other stage.
void CloseStage(Turn& turn, Stage& stage);

// After a restart: a stage that had failed is marked so again. Its trials with a row keep their
// state: those that were pending when it failed were canceled then, and those that ran may be tried
// again.
void RecloseStage(Stage& stage);

}  // namespace fusor::core
