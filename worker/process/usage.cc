#include "worker/process/usage.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace fusor::agent {

std::optional<MetricsFact> UsageWindow::Add(const UsageSample& sample, Time now) {
  for (const auto& [name, value] : sample) {
    Series& series = series_[name];
    series.min = series.count == 0 ? value : std::min(series.min, value);
    series.max = series.count == 0 ? value : std::max(series.max, value);
    series.sum += value;
    ++series.count;
  }
  return ++samples_ < kSamples ? std::nullopt : End(now);
}

std::optional<MetricsFact> UsageWindow::End(Time now) {
  samples_ = 0;
  MetricsFact fact{.steps = {ToUnixMillis(now) / 1'000}, .time_ms = ToUnixMillis(now)};
  for (const auto& [name, series] : std::exchange(series_, {})) {
    for (const auto& [what, value] :
         {std::pair("/min", series.min), std::pair("/mean", series.sum / series.count),
          std::pair("/max", series.max)}) {
      fact.names.push_back(name + what);
      fact.values.push_back({value});
    }
  }
  if (fact.names.empty()) return std::nullopt;
  return fact;
}

std::optional<double> CpuMeter::Percent(std::uint64_t ticks, Time now) {
  const std::optional<std::uint64_t> before = std::exchange(ticks_, ticks);
  const Duration passed = now - std::exchange(at_, now);
  if (!before || passed <= Duration(0) || ticks < *before) return std::nullopt;
  static const double ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  const double seconds = static_cast<double>(ticks - *before) / ticks_per_second;
  return 100.0 * seconds * 1'000.0 / static_cast<double>(passed.count());
}

}  // namespace fusor::agent
