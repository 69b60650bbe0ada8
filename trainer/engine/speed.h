#pragma once

// How fast a run is and what it holds. Wall time differs from run to run, so these are `system/`
// metrics, exempt from exact repetition.

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "trainer/contract/reporter.h"

namespace fusor {

struct MemoryUse {
  std::uint64_t allocated_bytes = 0;
  std::uint64_t reserved_bytes = 0;
  std::uint64_t peak_bytes = 0;
};

class Speed {
 public:
  using Clock = std::chrono::steady_clock;

  void Start(Clock::time_point now);
  // A training step of this many samples.
  void AddStep(Clock::duration duration, std::int64_t samples);
  // What the steps before left to wait for.
  void AddWait(Clock::duration duration) { waited_ += duration; }
  // The metrics of the epoch that ends now, and a new one begins. Nothing where no step was made.
  std::vector<Metric> EndEpoch(Clock::time_point now, const std::optional<MemoryUse>& memory);

 private:
  Clock::time_point started_;
  Clock::time_point epoch_started_;
  std::vector<double> step_ms_;
  std::int64_t samples_ = 0;
  Clock::duration waited_{};
};

}  // namespace fusor
