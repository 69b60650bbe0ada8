#pragma once

// Ends a run whose evaluations no longer get better.

#include <cstdint>
#include <limits>
#include <string>

#include "trainer/engine/task.h"

namespace fusor {

struct EarlyStopPolicy {
  std::int64_t patience = 0;  // evaluations in a row without a better one; 0: never stops
  double min_delta = 0;       // only what is better by more than this counts
};

class EarlyStop {
 public:
  // The best that counted: a slow rise by less than `min_delta` each time does not move it.
  struct State {
    double best = std::numeric_limits<double>::quiet_NaN();
    std::int64_t best_step = -1;
    std::int64_t stale = 0;  // evaluations since then
  };

  EarlyStop(const EarlyStopPolicy& policy, Selection objective, const State& state)
      : policy_(policy), objective_(std::move(objective)), state_(state) {}

  const std::string& metric() const { return objective_.metric; }
  // An evaluation's value; one that is not a number is not better than any.
  void Add(std::int64_t step, double value);
  bool due() const { return policy_.patience > 0 && state_.stale >= policy_.patience; }
  // One line for people: which value was waited for, and for how long.
  std::string Reason() const;
  const State& state() const { return state_; }

 private:
  const EarlyStopPolicy policy_;
  const Selection objective_;
  State state_;
};

}  // namespace fusor
