#pragma once

// What the core knows of a live attempt.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/id.h"
#include "common/base/session.h"
#include "common/base/time.h"
#include "coordinator/core/write.h"

namespace fusor::core {

struct Trial;

// The ranks of an attempt that run on one worker: ranks first_rank .. first_rank + slots - 1.
struct Part {
  WorkerId worker;
  std::vector<std::uint32_t> slots;  // indexes as the worker says them
  std::uint32_t first_rank = 0;
  bool held = false;     // the worker has said that it has it
  bool suspect = false;  // its lease has lapsed
  Time lease_until{};
};

struct Rank {
  std::uint64_t cursor = 0;  // facts applied
  bool ended = false;        // its final fact was applied
};

struct Attempt {
  PutAttempt row;  // as last written
  Trial* trial = nullptr;
  std::vector<Part> parts;
  std::vector<Rank> ranks;
  bool fallback = false;
  std::int64_t resume_step = -1;  // of the checkpoint it was told to resume from
  Time heard{};                   // of it, by heartbeat or fact
  Time limit_at = kNever;         // its time limit, with grace
  std::optional<StopMode> stop;   // what its workers were told
  std::string stop_reason;
  Failure stop_failure = Failure::kNone;  // what an abort counts as

  Part* PartOn(WorkerId worker) {
    for (Part& part : parts) {
      if (part.worker == worker) return &part;
    }
    return nullptr;
  }
};

}  // namespace fusor::core
