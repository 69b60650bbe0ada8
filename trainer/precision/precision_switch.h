#pragma once

// Which type a run of precision `adaptive` computes in: the half type while its loss moves evenly
// downwards, fp32 while the loss is restless or rises. Weights are fp32 masters either way, so a
// change of type changes nothing that is kept.
//
// The rule looks at the losses of a window of applied steps: their variance, and the mean of the
// window's younger half less that of the older one.

#include <cstdint>
#include <utility>
#include <vector>

namespace fusor {

struct PrecisionSwitchPolicy {
  std::size_t window = 10;
  double restless = 0.1;  // a larger variance asks for fp32
  double rise = 0.05;     // so does a larger rise
  double calm = 0.01;     // the half type comes back below this rise
  // Changes the type after every so many steps instead; 0: by the rule.
  std::int64_t every = 0;
};

class PrecisionSwitch {
 public:
  // What a checkpoint keeps.
  struct State {
    bool full = false;  // fp32 is computed in
    std::vector<double> losses;
  };

  PrecisionSwitch(const PrecisionSwitchPolicy& policy, State state)
      : policy_(policy), state_(std::move(state)) {}

  bool full() const { return state_.full; }
  const State& state() const { return state_; }

  // After a step, from 1. A loss that is not finite asks for fp32 at once.
  void AddLoss(std::int64_t step, double loss);

 private:
  bool WantFull() const;

  PrecisionSwitchPolicy policy_;
  State state_;
};

}  // namespace fusor
