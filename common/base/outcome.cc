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

bool IsCrash(Failure failure) {
  return failure == Failure::kCrashedSignal || failure == Failure::kCrashedExit ||
         failure == Failure::kCrashedException || failure == Failure::kHung;
}

}  // namespace fusor
