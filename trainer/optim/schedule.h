#pragma once

// Learning rates as pure functions of the step.
//
// Steps count from 0 and skipped ones do not count: At(s) is the rate of the (s+1)-th step that is
// applied; a run of N steps uses At(0) to At(N - 1). Where each shape ends:
//
//   constant   rate
//   step       rate * factor^floor(s / every), as torch's StepLR
//   linear     from rate at 0 to the floor at N, the value *after* the last step
//   cosine     likewise along half a cosine, as torch's CosineAnnealingLR with T_max = N
//   one cycle  rate / start_divisor at 0, rate at rise * N - 1, the start divided by end_divisor at
//              N - 1: the last step made; as torch's OneCycleLR
//
// A warm-up of W steps comes first and the shape has the N - W steps that remain (one cycle has its
// own rise and takes none). With x the share of the way from `warm_up_from` to the rate:
//
//   linear     x = s / W: the first step has x = 0, step W is the first at the full rate
//   log        x = log(s + 1) / log(W), W at least 2: full already at step W - 1
//
// as DeepSpeed's WarmupLR (log is its default) has them for iteration s. DeepSpeed itself moves a
// schedule after each step, so its first step has the lowest rate and each later one is one behind;
// its WarmupCosineLR reaches the floor at step N - 1.

#include <cstdint>

namespace fusor {

struct ScheduleOptions {
  enum class Shape : std::uint8_t { kConstant, kStep, kLinear, kCosine, kOneCycle };
  enum class WarmUp : std::uint8_t { kLinear, kLog };

  Shape shape = Shape::kConstant;
  double rate = 0;         // the highest
  std::int64_t steps = 1;  // of the whole run, warm-up included
  double floor = 0;        // linear, cosine

  std::int64_t step_every = 1;
  double step_factor = 0.1;

  std::int64_t warm_up_steps = 0;
  WarmUp warm_up = WarmUp::kLinear;
  double warm_up_from = 0;

  double cycle_rise = 0.3;  // share of the steps
  double cycle_start_divisor = 25;
  double cycle_end_divisor = 10'000;
};

class Schedule {
 public:
  explicit Schedule(const ScheduleOptions& options) : options_(options) {}

  // Beyond the run's end the last value stays, except where a shape has no end.
  double At(std::int64_t step) const;

 private:
  double WarmUpShare(std::int64_t step) const;
  double Shaped(std::int64_t step, std::int64_t steps) const;
  double OneCycle(std::int64_t step, std::int64_t steps) const;

  ScheduleOptions options_;
};

// Falls from `base` at step 0 along half a cosine to `floor` at `steps`.
double CosineRate(double base, double floor, std::int64_t step, std::int64_t steps);

}  // namespace fusor
