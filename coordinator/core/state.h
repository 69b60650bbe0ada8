#pragma once

// States of trials and attempts, and which moves are legal. Only MoveTrial and MoveAttempt in the
// core write a state; each writes its row and its event with it.
//
// Trial                                                  Attempt
//
//  blocked --1--> ready --2--> running --3--> succeeded    granted --1--> running --2--> ended
//     |            |  ^          |  |                         |              |
//     |4           |5 |6         |7 |8                        +------3-------+--> lost
//     v            v  |          |  v                         (suspect is a flag of a live attempt)
//  skipped      canceled <-------+  failed
//     |            |                |
//     +------------+---9 (retry)----+--> blocked or ready
//
// Trial 1 its own inputs have succeeded; 2 granted slots; 3 the final fact says so; 4 an input
// ended without success, or the needed stage has failed (from ready too); 5, 7 canceled by a person
// or the stage's policy (from blocked too); 6 released, lost or failed with retries left; 8 failed
// with none left; 9 retried by a person. Attempt 1 its process has reported; 2 its final fact is
// committed (from granted too); 3 its lease lapsed for longer than lost_after, or its worker came
// back without it, or another part of its gang ended badly.
//
// docs/states.md has the reasons at length.

#include <cstdint>
#include <string_view>

namespace fusor {

enum class TrialState : std::uint8_t {
  kBlocked,
  kReady,
  kRunning,
  kSucceeded,
  kFailed,
  kCanceled,
  kSkipped,
};
inline constexpr int kTrialStates = 7;

enum class AttemptState : std::uint8_t { kGranted, kRunning, kEnded, kLost };

enum class SweepState : std::uint8_t {
  kRunning,   // has or may have trials to run
  kPaused,    // no new starts
  kFinished,  // every trial is terminal
  kCanceled,
};

bool CanMove(TrialState from, TrialState to);
bool CanMove(AttemptState from, AttemptState to);

inline bool IsTerminal(TrialState state) {
  return state == TrialState::kSucceeded || state == TrialState::kFailed ||
         state == TrialState::kCanceled || state == TrialState::kSkipped;
}

std::string_view Name(TrialState state);    // "blocked", "ready", ...
std::string_view Name(AttemptState state);  // "granted", ...
std::string_view Name(SweepState state);

}  // namespace fusor
