#pragma once

// What becomes of a trial when its attempt has ended: succeeded, tried again, failed.

#include "coordinator/core/attempts.h"
#include "coordinator/core/world.h"

namespace fusor::core {

// What the end of an attempt says about the trial.
struct TrialEnd {
  AttemptState state = AttemptState::kEnded;  // or kLost
  Outcome outcome;
  std::uint32_t rank = 0;  // whose end it was
  std::int64_t step = 0;
  Duration running{0};
  std::string log_tail;
  WorkerId worker;           // where it ended
  bool not_started = false;  // its worker said that it could not start it
};

// Closes the attempt and moves the trial. The attempt is gone afterwards.
void EndAttempt(Turn& turn, Attempt& attempt, const TrialEnd& end);

// The attempt's worker is gone, or has it no longer.
void LoseAttempt(Turn& turn, Attempt& attempt, const std::string& reason);

}  // namespace fusor::core
