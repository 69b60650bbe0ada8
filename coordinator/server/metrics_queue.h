#pragma once

// The way to metrics.db: a queue bounded by bytes, and the thread that commits what is in it.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/base/id.h"
#include "coordinator/store/metrics_store.h"

namespace fusor {

// Raised by the loop when the attempt is no longer current; read before each commit. Shared by the
// loop and the batches in the queue.
struct AttemptFence {
  std::atomic<bool> fenced{false};
};

struct MetricsBatch {
  FactsForMetrics facts;
  std::shared_ptr<const AttemptFence> fence;
  // After a restart the first facts of a running attempt may begin no later than behind the higher
  // of the two cursors; `floor` is state.db's.
  bool check_floor = false;
  std::uint64_t floor = 0;
  std::size_t bytes = 0;
};

class MetricsQueue {
 public:
  virtual ~MetricsQueue() = default;
  // False when even the hard bound is reached: the caller closes the stream, and the worker sends
  // again.
  virtual bool Push(MetricsBatch batch) = 0;
};

}  // namespace fusor
