#pragma once

// Where the loop's `now` comes from.

#include <chrono>

#include "common/base/time.h"

namespace fusor {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time Now() const = 0;
};

// The monotonic clock, anchored to the wall clock at construction: it never goes back, whatever is
// done to the system's time. Any thread.
class SystemClock : public Clock {
 public:
  SystemClock();
  Time Now() const override;

 private:
  const Time anchor_;
  const std::chrono::steady_clock::time_point start_;
};

// The loop's time. It stands still while the loop is frozen, so that no lease lapses for want of a
// commit, and afterwards catches up with the clock by running a quarter faster. The loop thread
// only.
class LoopClock {
 public:
  explicit LoopClock(const Clock& clock) : clock_(clock), seen_(clock.Now()) {}

  Time Now();
  void Freeze();
  void Thaw();

 private:
  const Clock& clock_;
  Time seen_;        // the clock at the last call
  Duration lag_{0};  // how far the loop's time is behind
  bool frozen_ = false;
};

}  // namespace fusor
