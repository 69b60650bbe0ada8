#pragma once

// The training thread's sign of life: reports progress, at most every kBeatEvery but each phase at
// once, and lets commands be obeyed while a long phase runs.

#include <chrono>

#include "trainer/contract/control.h"
#include "trainer/contract/reporter.h"

namespace fusor {

class Pulse {
 public:
  Pulse(Reporter& reporter, Control& control) : reporter_(reporter), control_(control) {}

  void Enter(Phase phase);
  void Position(std::int64_t step, std::int64_t steps, std::int64_t epoch);
  // Something was done: a batch was evaluated, a part was loaded, a step was made.
  void Beat();
  // Waits, obeying commands; for recipes that idle on purpose.
  void Wait(std::chrono::nanoseconds duration) { control_.Wait(duration); }

  const ProgressReport& now() const { return now_; }

 private:
  static constexpr std::chrono::milliseconds kBeatEvery{100};

  void Report();

  Reporter& reporter_;
  Control& control_;
  ProgressReport now_;
  bool first_step_told_ = false;
  std::chrono::steady_clock::time_point reported_;
};

}  // namespace fusor
