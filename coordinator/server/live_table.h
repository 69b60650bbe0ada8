#pragma once

// What runs right now, for live displays: the newest progress, rate and system figures of each
// attempt. Fed as facts reach metrics.db, kept in memory only; after a restart it fills again with
// the next reports. Any thread.

#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/id.h"
#include "common/base/session.h"
#include "common/base/time.h"
#include "coordinator/server/metrics_queue.h"

namespace fusor {

struct LiveAttempt {
  TrialKey trial;
  ProgressFact progress;
  double steps_per_second = 0;
  Time seen{};
  // The last value of each `system/...` metric, without that beginning.
  std::map<std::string, double> system;
};

class LiveTable {
 public:
  // What metrics.db has just stored.
  void Add(const std::vector<MetricsBatch>& batches, Time now);
  void Remove(std::span<const AttemptId> attempts);

  std::optional<LiveAttempt> Find(AttemptId attempt) const;

 private:
  static void Take(const ProgressFact& progress, Time now, LiveAttempt& live);
  static void Take(const MetricsFact& metrics, LiveAttempt& live);

  mutable std::mutex mu_;
  std::unordered_map<std::uint64_t, LiveAttempt> attempts_;  // guarded by mu_
};

}  // namespace fusor
