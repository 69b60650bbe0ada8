#include "worker/core/ending.h"

namespace fusor::agent {

namespace {

constexpr int kSigKill = 9;
constexpr int kSigTerm = 15;

Outcome Failed(Failure failure, std::string detail, int code = 0) {
  return {
      .kind = OutcomeKind::kFailed, .failure = failure, .code = code, .detail = std::move(detail)};
}

Outcome Released(std::string detail) {
  return {.kind = OutcomeKind::kReleased, .detail = std::move(detail)};
}

// What the process itself says about its end, when nobody asked it to end.
Outcome OwnEnd(const Ending& ending) {
  if (!ending.exit) return Failed(Failure::kLost, "no process came to be");
  const ProcessExited& exit = *ending.exit;
  if (exit.oom_killed) {
    return Failed(Failure::kOutOfMemoryHost, "killed by the system for its memory", exit.code);
  }
  if (ending.failure) {
    return Failed(ending.failure->failure, ending.failure->detail, exit.code);
  }
  if (exit.signaled) {
    return Failed(Failure::kCrashedSignal, SignalText(exit.code), exit.code);
  }
  if (exit.code == 0) {
    return Failed(Failure::kCrashedExit, "exited with status 0 without saying how it ended");
  }
  return Failed(Failure::kCrashedExit, "exited with status " + std::to_string(exit.code),
                exit.code);
}

// Told to checkpoint and stop, it did not say that it had. Its own fault, or ours?
bool EndedByOurSignal(const Ending& ending) {
  if (!ending.exit) return true;  // not even KILL ended it
  return ending.exit->signaled && !ending.failure && !ending.exit->oom_killed &&
         (ending.exit->code == kSigKill || ending.exit->code == kSigTerm);
}

}  // namespace

Outcome Classify(const Ending& ending) {
  if (ending.decided) return *ending.decided;
  if (ending.final && ending.final->kind == OutcomeKind::kSucceeded) {
    if (!ending.not_stored.empty()) return Failed(Failure::kLost, ending.not_stored);
    const bool clean = ending.exit && !ending.exit->signaled && ending.exit->code == 0;
    return {.detail = clean ? "" : "its process did not exit cleanly after its final fact"};
  }
  switch (ending.cause) {
    case StopCause::kHung:
      return Failed(Failure::kHung, ending.reason);
    case StopCause::kTimedOut:
      return Failed(Failure::kTimedOut, ending.reason);
    case StopCause::kCanceled:
    case StopCause::kDropped:
      return Failed(Failure::kCanceled, ending.reason);
    case StopCause::kMemory:
      return Failed(Failure::kOutOfMemoryHost, ending.reason);
    case StopCause::kReleased:
      if (ending.final) return Released(ending.reason);
      if (EndedByOurSignal(ending)) return Released(ending.reason + "; without a new checkpoint");
      return OwnEnd(ending);
    case StopCause::kNone:
    case StopCause::kFinished:
      break;
  }
  if (ending.final) return Released("asked to stop by a signal from outside");
  return OwnEnd(ending);
}

}  // namespace fusor::agent
