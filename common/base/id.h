#pragma once

// Typed numbers: a SweepId cannot be passed where a WorkerId is meant. Zero means "none".

#include <compare>
#include <cstdint>

namespace fusor {

template <class Tag>
struct Id {
  std::uint64_t value = 0;

  explicit operator bool() const { return value != 0; }
  friend auto operator<=>(const Id&, const Id&) = default;
};

using SweepId = Id<struct SweepTag>;
using WorkerId = Id<struct WorkerTag>;    // the coordinator's number for a worker's durable uid
using AttemptId = Id<struct AttemptTag>;  // unique over all trials; grows, so it fences
using ArtifactId = Id<struct ArtifactTag>;
using EventId = Id<struct EventTag>;      // position in the event log; the cursor of every Watch
using SessionId = Id<struct SessionTag>;  // one open stream between a worker and the coordinator
using CallId = Id<struct CallTag>;        // a client's call that waits for its reply

// One cell of one stage of one sweep. `cell` is the position in the stage's full grid.
struct TrialKey {
  SweepId sweep;
  std::uint32_t stage = 0;
  std::uint64_t cell = 0;

  friend auto operator<=>(const TrialKey&, const TrialKey&) = default;
};

}  // namespace fusor
