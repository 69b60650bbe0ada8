#pragma once

// What the daemon counts about itself, for /metrics and /healthz. Written by the threads that do
// the work, read by the HTTP thread.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace fusor {

// Durations in buckets that double from 0.1 ms to 51 s. Any thread.
class Histogram {
 public:
  static constexpr std::size_t kBuckets = 20;

  void Add(std::chrono::nanoseconds duration);
  // The upper bound of a bucket in seconds; the last one has none.
  static double Bound(std::size_t bucket);

  std::uint64_t count(std::size_t bucket) const { return counts_[bucket].load(); }
  double sum_seconds() const { return static_cast<double>(nanos_.load()) * 1e-9; }

 private:
  std::array<std::atomic<std::uint64_t>, kBuckets> counts_{};
  std::atomic<std::uint64_t> nanos_{0};
};

struct Stats {
  using Counter = std::atomic<std::uint64_t>;

  Counter turns{0};
  Counter events{0};
  Counter writes{0};
  Counter state_commit_failures{0};
  Histogram state_commit;
  Counter state_wal_bytes{0};
  Counter loop_queue{0};  // inputs waiting

  Counter metric_points{0};
  Counter metric_batches{0};
  Counter metrics_commit_failures{0};
  Histogram metrics_commit;
  Counter metrics_queue_bytes{0};
  Counter metrics_wal_bytes{0};

  Counter facts_fenced{0};  // of attempts that are not current: refused
  Counter sessions{0};      // open worker streams
  Counter sessions_refused{0};
  Counter watchers{0};
  Counter reads{0};
  Counter reads_refused{0};
  Counter calls_unauthenticated{0};
  Counter http_refused{0};  // requests that were none
};

// Whether the daemon can do its work, and if not, why. Any thread.
class Health {
 public:
  enum class Part { kState, kMetrics, kStopping };

  // An empty reason = this part is well.
  void Set(Part part, std::string reason);
  bool serving() const { return serving_.load(); }
  // Why not, in one line; empty while serving.
  std::string Reason() const;

 private:
  std::atomic<bool> serving_{true};
  mutable std::mutex mu_;
  std::array<std::string, 3> reasons_;  // guarded by mu_
};

}  // namespace fusor
