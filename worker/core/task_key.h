#pragma once

// One process of one attempt: an attempt has one per rank that runs on this worker.

#include <compare>
#include <cstdint>

#include "common/base/id.h"

namespace fusor::agent {

struct TaskKey {
  AttemptId attempt;
  std::uint32_t rank = 0;
  friend auto operator<=>(const TaskKey&, const TaskKey&) = default;
};

// A set of files that the trial reported and the edge has linked aside, so that the trial may
// replace them. Numbers are the edge's; unique within a task.
struct StagedId {
  std::uint64_t value = 0;
  friend auto operator<=>(const StagedId&, const StagedId&) = default;
};

}  // namespace fusor::agent
