#pragma once

// Live attempts: how they are stopped and how they end. What then becomes of the trial is
// outcomes.h's.

#include <string>

#include "coordinator/core/world.h"

namespace fusor::core {

Attempt* FindAttempt(World& world, AttemptId id);

// Tells every worker of the attempt to stop it. A checkpoint-and-stop never softens an abort.
struct StopOrder {
  StopMode mode = StopMode::kAbort;
  std::string reason;
  Failure failure = Failure::kCanceled;  // what an abort counts as
};
void StopAttempt(Turn& turn, Attempt& attempt, const StopOrder& order);

// How an attempt ended, as far as its own row goes.
struct AttemptEnd {
  AttemptState state = AttemptState::kEnded;  // or kLost
  Outcome outcome;
  std::string log_tail;
};

// Writes the row, frees its slots, forgets the attempt. Slots whose process may still run elsewhere
// stay taken until their worker no longer holds the attempt. The reference is invalid afterwards.
void CloseAttempt(Turn& turn, Attempt& attempt, const AttemptEnd& end);

// Since the process reported, or the grant when it never did.
Duration RunningTime(const Attempt& attempt, Time until);

}  // namespace fusor::core
