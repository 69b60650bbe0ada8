#include "worker/core/stop_ladder.h"

namespace fusor::agent {

StopLadder::StopLadder(StopCause cause, const StopTimes& times, Time now) {
  Time kill = now;
  switch (cause) {
    case StopCause::kNone:
      return;
    case StopCause::kFinished:
      kill = now + times.exit_grace;
      break;
    case StopCause::kReleased:
    case StopCause::kTimedOut:
      kill = now + times.checkpoint_grace;
      rungs_.push_back({now, Command::kCheckpointAndStop});
      rungs_.push_back({now + times.checkpoint_grace / 2, Signal::kTerm});
      break;
    case StopCause::kHung:
    case StopCause::kCanceled:
      kill = now + times.abort_grace;
      rungs_.push_back({now, Command::kAbort});
      rungs_.push_back({now + times.abort_grace / 2, Signal::kTerm});
      break;
    case StopCause::kMemory:
    case StopCause::kDropped:
      break;
  }
  rungs_.push_back({kill, Signal::kKill});
  rungs_.push_back({kill + times.kill_patience, GiveUp{}});
}

std::optional<Rung> StopLadder::Next(Time now) {
  if (next_ >= rungs_.size() || rungs_[next_].at > now) return std::nullopt;
  return rungs_[next_++];
}

}  // namespace fusor::agent
