#pragma once

// How a task ended: from what was asked of it, what it said and how its process exited, to one
// outcome.

#include <optional>
#include <string>

#include "common/base/outcome.h"
#include "worker/core/event.h"

namespace fusor::agent {

// Why the agent ends a process. The later overrides the earlier.
enum class StopCause : std::uint8_t {
  kNone,
  kFinished,  // it said its last word but does not exit
  kReleased,
  kTimedOut,
  kHung,
  kCanceled,
  kMemory,
  kDropped,
};

struct Ending {
  StopCause cause = StopCause::kNone;
  std::string reason;                      // of the stop
  std::optional<Outcome> decided;          // no process was ever meant to run
  std::optional<FailureReported> failure;  // its own words
  std::optional<FinalReported> final;
  std::optional<ProcessExited> exit;  // none: there was no process, or it cannot be killed
  std::string not_stored;             // an artifact of it could not be stored, and why
};

Outcome Classify(const Ending& ending);

}  // namespace fusor::agent
