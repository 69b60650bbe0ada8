#include "coordinator/server/stats.h"

#include <limits>
#include <utility>

namespace fusor {

namespace {
constexpr double kFirstBound = 1e-4;
}  // namespace

double Histogram::Bound(std::size_t bucket) {
  if (bucket + 1 >= kBuckets) return std::numeric_limits<double>::infinity();
  return kFirstBound * static_cast<double>(1ULL << bucket);
}

void Histogram::Add(std::chrono::nanoseconds duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  std::size_t bucket = 0;
  while (seconds > Bound(bucket)) ++bucket;
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  nanos_.fetch_add(static_cast<std::uint64_t>(duration.count()), std::memory_order_relaxed);
}

void Health::Set(Part part, std::string reason) {
  const std::lock_guard lock(mu_);
  reasons_[static_cast<std::size_t>(part)] = std::move(reason);
  bool well = true;
  for (const std::string& each : reasons_) well = well && each.empty();
  serving_.store(well);
}

std::string Health::Reason() const {
  const std::lock_guard lock(mu_);
  std::string all;
  for (const std::string& each : reasons_) {
    if (each.empty()) continue;
    if (!all.empty()) all += "; ";
    all += each;
  }
  return all;
}

}  // namespace fusor
