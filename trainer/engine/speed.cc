#include "trainer/engine/speed.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace fusor {
namespace {

double Seconds(Speed::Clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

double Mebibytes(std::uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

// The smallest value that no more than `1 - share` of all are above.
double Quantile(std::vector<double>& values, double share) {
  const double place = share * static_cast<double>(values.size() - 1);
  auto nth = values.begin() + static_cast<std::ptrdiff_t>(place + 0.999);
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

}  // namespace

void Speed::Start(Clock::time_point now) { started_ = epoch_started_ = now; }

void Speed::AddStep(Clock::duration duration, std::int64_t samples) {
  step_ms_.push_back(1e3 * Seconds(duration));
  samples_ += samples;
}

std::vector<Metric> Speed::EndEpoch(Clock::time_point now, const std::optional<MemoryUse>& memory) {
  const double waited = Seconds(std::exchange(waited_, {}));
  if (step_ms_.empty()) return {};
  const double trained = std::accumulate(step_ms_.begin(), step_ms_.end(), 0.0) / 1e3 + waited;
  std::vector<Metric> metrics = {
      {"system/samples_per_s", static_cast<double>(samples_) / trained},
      {"system/step_ms_p50", Quantile(step_ms_, 0.5)},
      {"system/step_ms_p95", Quantile(step_ms_, 0.95)},
      {"system/epoch_s", Seconds(now - epoch_started_)},
      {"system/total_s", Seconds(now - started_)},
  };
  if (memory) {
    metrics.push_back({"system/memory_allocated_mib", Mebibytes(memory->allocated_bytes)});
    metrics.push_back({"system/memory_reserved_mib", Mebibytes(memory->reserved_bytes)});
    metrics.push_back({"system/memory_peak_mib", Mebibytes(memory->peak_bytes)});
  }
  step_ms_.clear();
  samples_ = 0;
  epoch_started_ = now;
  return metrics;
}

}  // namespace fusor
