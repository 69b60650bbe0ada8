#include "coordinator/server/clock.h"

#include <algorithm>

namespace fusor {

SystemClock::SystemClock()
    : anchor_(std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now())),
      start_(std::chrono::steady_clock::now()) {}

Time SystemClock::Now() const {
  return anchor_ + std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - start_);
}

Time LoopClock::Now() {
  const Time clock = clock_.Now();
  const Duration passed = clock - seen_;
  seen_ = clock;
  if (frozen_) {
    lag_ += passed;
  } else {
    lag_ -= std::min(lag_, passed / 4);
  }
  return clock - lag_;
}

void LoopClock::Freeze() {
  (void)Now();
  frozen_ = true;
}

void LoopClock::Thaw() {
  (void)Now();
  frozen_ = false;
}

}  // namespace fusor
