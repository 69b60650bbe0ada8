#include "common/base/outcome.h"

#include <array>
#include <utility>

namespace fusor {

namespace {

constexpr std::array<std::pair<Failure, std::string_view>, 12> kNames = {{
    {Failure::kNone, "none"},
    {Failure::kCrashedSignal, "crashed(signal)"},
    {Failure::kCrashedExit, "crashed(exit)"},
    {Failure::kCrashedException, "crashed(exception)"},
    {Failure::kHung, "hung"},
    {Failure::kOutOfMemoryHost, "out_of_memory(host)"},
    {Failure::kOutOfMemoryDevice, "out_of_memory(device)"},
    {Failure::kDiverged, "diverged"},
    {Failure::kTimedOut, "timed_out"},
    {Failure::kBadData, "bad_data"},
    {Failure::kLost, "lost"},
    {Failure::kCanceled, "canceled"},
}};

// The numbers are Linux's.
constexpr std::array<std::pair<int, std::string_view>, 13> kSignals = {{
    {1, "hung up"},
    {2, "interrupted"},
    {3, "quit"},
    {4, "illegal instruction"},
    {6, "aborted"},
    {7, "bus error"},
    {8, "arithmetic error"},
    {9, "killed"},
    {11, "segmentation fault"},
    {13, "broken pipe"},
    {15, "terminated"},
    {24, "out of processor time"},
    {25, "file too large"},
}};

}  // namespace

std::string_view FailureName(Failure failure) {
  for (const auto& [value, name] : kNames) {
    if (value == failure) return name;
  }
  return "none";
}

std::optional<Failure> FailureFromName(std::string_view name) {
  for (const auto& [value, text] : kNames) {
    if (text == name) return value;
  }
  return std::nullopt;
}

std::string FailureWords(Failure failure, int code) {
  switch (failure) {
    case Failure::kNone:
      return "";
    case Failure::kCrashedSignal:
      return code == 0 ? "crashed (by a signal)" : "crashed (" + SignalText(code) + ")";
    case Failure::kCrashedExit:
      return code == 0 ? "crashed" : "crashed (exited with status " + std::to_string(code) + ")";
    case Failure::kCrashedException:
      return "crashed (exception)";
    case Failure::kHung:
      return "hung";
    case Failure::kOutOfMemoryHost:
      return "out of memory (host)";
    case Failure::kOutOfMemoryDevice:
      return "out of memory (GPU)";
    case Failure::kDiverged:
      return "diverged";
    case Failure::kTimedOut:
      return "timed out";
    case Failure::kBadData:
      return "bad data";
    case Failure::kLost:
      return "worker lost";
    case Failure::kCanceled:
      return "canceled";
  }
  return "";
}

std::string SignalText(int signal) {
  std::string text = "signal " + std::to_string(signal);
  for (const auto& [number, words] : kSignals) {
    if (number == signal) return text + ", " + std::string(words);
  }
  return text;
}

bool IsCrash(Failure failure) {
  return failure == Failure::kCrashedSignal || failure == Failure::kCrashedExit ||
         failure == Failure::kCrashedException || failure == Failure::kHung;
}

}  // namespace fusor
