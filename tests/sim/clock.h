#pragma once

// The simulated world's time: a queue of things to do, run in order of (time, order of asking).

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "common/base/time.h"

namespace fusor::sim {

class Clock {
 public:
  Time now() const { return now_; }
  void At(Time time, std::function<void()> action) {
    queue_.emplace(std::make_pair(time < now_ ? now_ : time, next_++), std::move(action));
  }
  void After(Duration delay, std::function<void()> action) { At(now_ + delay, std::move(action)); }

  // Does the next thing; false when there is none before `until`, and then it is `until`.
  bool RunOne(Time until) {
    if (queue_.empty() || queue_.begin()->first.first > until) {
      now_ = until;
      return false;
    }
    const auto first = queue_.begin();
    now_ = first->first.first;
    const std::function<void()> action = std::move(first->second);
    queue_.erase(first);
    action();
    return true;
  }

 private:
  Time now_ = FromUnixMillis(1'000'000'000'000);
  std::uint64_t next_ = 0;
  std::map<std::pair<Time, std::uint64_t>, std::function<void()>> queue_;
};

}  // namespace fusor::sim
