#pragma once

// How an attempt ended. Shared by agent and coordinator: the agent tells the kinds apart, the
// coordinator decides which are tried again.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fusor {

enum class Failure : std::uint8_t {
  kNone,
  kCrashedSignal,     // code = signal number
  kCrashedExit,       // code = exit status
  kCrashedException,  // the trainer reported an exception and exited
  kHung,              // no progress for hang_timeout
  kOutOfMemoryHost,
  kOutOfMemoryDevice,
  kDiverged,  // NaN or infinite loss
  kTimedOut,
  kBadData,  // a data file is missing or damaged
  kLost,     // the worker went away
  kCanceled,
};

enum class OutcomeKind : std::uint8_t {
  kSucceeded,
  kFailed,
  kReleased,  // stopped at a checkpoint on request (pause --now, drain); the trial goes on later
};

struct Outcome {
  OutcomeKind kind = OutcomeKind::kSucceeded;
  Failure failure = Failure::kNone;  // kNone unless kind is kFailed
  int code = 0;                      // signal or exit status where the kind has one
  std::string detail;                // one line for people

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// "crashed(signal)", "out_of_memory(host)", "hung", ...: the names of sweep files, SQL and output.
std::string_view FailureName(Failure failure);
std::optional<Failure> FailureFromName(std::string_view name);

// The same as people say it: "crashed (signal 9, killed)", "out of memory (GPU)". Without a code
// "crashed (by a signal)".
std::string FailureWords(Failure failure, int code = 0);
// "signal 9, killed"
std::string SignalText(int signal);

// crashed(*) and hung: what `retry.crashes` counts.
bool IsCrash(Failure failure);

}  // namespace fusor
