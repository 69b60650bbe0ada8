#pragma once

// What a task uses: samples each second, and minimum, mean and maximum of ten of them as `system/*`
// metrics.

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "common/base/session.h"
#include "common/base/time.h"

namespace fusor::agent {

// One look at a task; what is unknown stays out.
using UsageSample = std::map<std::string, double>;  // by name, e.g. "system/cpu_percent"

class UsageWindow {
 public:
  static constexpr int kSamples = 10;

  // Every kSamples-th call returns the window's points, at the step `now` in seconds since 1970.
  std::optional<MetricsFact> Add(const UsageSample& sample, Time now);
  // The points of a window that ends before it is full, as its task does.
  std::optional<MetricsFact> End(Time now);

 private:
  struct Series {
    int count = 0;
    double min = 0;
    double max = 0;
    double sum = 0;
  };

  std::map<std::string, Series> series_;
  int samples_ = 0;
};

// Turns processor time used so far into a percentage of one processor.
class CpuMeter {
 public:
  // `ticks` as in /proc; nothing at the first call.
  std::optional<double> Percent(std::uint64_t ticks, Time now);

 private:
  std::optional<std::uint64_t> ticks_;
  Time at_{};
};

}  // namespace fusor::agent
