#pragma once

// How fast a sweep goes, from what was done over the last minutes, and so when it may end.

#include <deque>
#include <optional>

#include "common/base/time.h"

namespace fusor::client {

class Pace {
 public:
  // `work` is trials done plus the done parts of running ones. It may fall (a trial restarts).
  void Add(Time now, double work);
  // Time for `rest` more trials; nothing while there is too little to go by.
  std::optional<Duration> Left(double rest) const;

 private:
  struct Sample {
    Time time;
    double work = 0;
  };
  std::deque<Sample> samples_;  // oldest first, a second or more apart
};

}  // namespace fusor::client
