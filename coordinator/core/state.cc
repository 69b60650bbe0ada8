#include "coordinator/core/state.h"

namespace fusor {

namespace {

bool CanLeaveRunning(TrialState to) {
  switch (to) {
    case TrialState::kReady:
    case TrialState::kSucceeded:
    case TrialState::kFailed:
    case TrialState::kCanceled:
      return true;
    case TrialState::kBlocked:
    case TrialState::kRunning:
    case TrialState::kSkipped:
      return false;
  }
  return false;
}

}  // namespace

bool CanMove(TrialState from, TrialState to) {
  switch (from) {
    case TrialState::kBlocked:
      return to == TrialState::kReady || to == TrialState::kSkipped || to == TrialState::kCanceled;
    case TrialState::kReady:
      return to == TrialState::kRunning || to == TrialState::kCanceled ||
             to == TrialState::kSkipped;
    case TrialState::kRunning:
      return CanLeaveRunning(to);
    case TrialState::kSucceeded:
      return false;
    case TrialState::kFailed:
    case TrialState::kCanceled:
    case TrialState::kSkipped:
      return to == TrialState::kBlocked || to == TrialState::kReady;
  }
  return false;
}

bool CanMove(AttemptState from, AttemptState to) {
  switch (from) {
    case AttemptState::kGranted:
      return to == AttemptState::kRunning || to == AttemptState::kEnded ||
             to == AttemptState::kLost;
    case AttemptState::kRunning:
      return to == AttemptState::kEnded || to == AttemptState::kLost;
    case AttemptState::kEnded:
    case AttemptState::kLost:
      return false;
  }
  return false;
}

std::string_view Name(TrialState state) {
  switch (state) {
    case TrialState::kBlocked:
      return "blocked";
    case TrialState::kReady:
      return "ready";
    case TrialState::kRunning:
      return "running";
    case TrialState::kSucceeded:
      return "succeeded";
    case TrialState::kFailed:
      return "failed";
    case TrialState::kCanceled:
      return "canceled";
    case TrialState::kSkipped:
      return "skipped";
  }
  return "unknown";
}

std::string_view Name(AttemptState state) {
  switch (state) {
    case AttemptState::kGranted:
      return "granted";
    case AttemptState::kRunning:
      return "running";
    case AttemptState::kEnded:
      return "ended";
    case AttemptState::kLost:
      return "lost";
  }
  return "unknown";
}

std::string_view Name(SweepState state) {
  switch (state) {
    case SweepState::kRunning:
      return "running";
    case SweepState::kPaused:
      return "paused";
    case SweepState::kFinished:
      return "finished";
    case SweepState::kCanceled:
      return "canceled";
  }
  return "unknown";
}

}  // namespace fusor
