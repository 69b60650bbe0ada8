#pragma once

// Is a trial tried again after an attempt that did not succeed? A pure function of the stage's
// policy and the trial's counters.

#include <string>

#include "common/base/outcome.h"
#include "common/base/time.h"
#include "coordinator/core/spec.h"
#include "coordinator/core/write.h"

namespace fusor::core {

struct RetryDecision {
  bool again = false;
  Duration wait{0};        // back-off
  bool elsewhere = false;  // on another worker, if one fits
  std::string reason;      // "crashed (signal 9, killed); retry 1 of 2 in 2 s"
};

// Counts the failure in the row, then decides. `not_started`: its worker could not start it.
RetryDecision DecideRetry(const Retry& policy, const Outcome& outcome, bool not_started,
                          PutTrial& row);

// The back-off before the n-th retry (from 1): 1 s, 2 s, 4 s, ... 60 s.
Duration BackoffOf(std::uint32_t retry);

// "crashed (signal 9, killed)", "out of memory (host): 5.1 GiB of 4".
std::string Describe(const Outcome& outcome);

}  // namespace fusor::core
