#pragma once

// The writer of metrics.db. Takes what waits in the queue, commits it in one transaction, then
// tells the loop. What cannot be committed (full disk, a foreign lock) is kept and tried again with
// back-off; the agents keep what is not acknowledged. Push, Remove and Stop from any thread.

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "coordinator/server/input.h"
#include "coordinator/server/metrics_queue.h"
#include "coordinator/server/stats.h"
#include "coordinator/store/metrics_store.h"

namespace fusor {

class MetricsThread : public MetricsQueue {
 public:
  struct Options {
    // Above this, acknowledgements are withheld; at twice as much, Push refuses.
    std::size_t queue_bytes_max = limits::kMetricsQueueBytesMax;
    std::size_t transaction_bytes_max = 16 << 20;
    std::chrono::milliseconds retry_first{50};
    std::chrono::milliseconds retry_max{2'000};
  };
  // Called on this thread, after the commit.
  using Stored = std::function<void(BatchesStored)>;
  using Seen = std::function<void(const std::vector<MetricsBatch>&)>;

  MetricsThread(Options options, MetricsStore& store, Stats& stats, Health& health, Stored stored,
                Seen seen);
  ~MetricsThread() override;

  void Start();
  bool Push(MetricsBatch batch) override;
  // A sweep was deleted: its rows go, a slice at a time between what is stored. What is left when
  // the daemon ends goes after its next start.
  void RemoveSweep(SweepId sweep);
  // Commits what waits, unless that fails, and joins.
  void Stop();

 private:
  void Run();
  // What the next transaction holds; it waits for work. Nothing when stopping and all is stored.
  std::optional<std::vector<MetricsBatch>> Take();
  // A slice of the first sweep that was deleted.
  void RemoveSlice();
  // The batches that may be stored; the others become refusals.
  std::vector<MetricsBatch> Admit(std::vector<MetricsBatch> taken, BatchesStored& stored);
  std::optional<std::string> Refusal(const MetricsBatch& batch);
  void Commit(std::vector<MetricsBatch> batches, BatchesStored& stored);
  // Runs the step until it succeeds; false when stopping came first.
  bool Insist(const std::function<Status()>& step);
  void Tell(BatchesStored stored, std::size_t bytes);

  const Options options_;
  MetricsStore& store_;
  Stats& stats_;
  Health& health_;
  const Stored stored_;
  const Seen seen_;
  std::thread thread_;

  // This thread's.
  std::set<std::pair<std::uint64_t, std::uint32_t>> refused_;  // until they begin again
  BatchesStored withheld_;

  std::mutex mu_;
  std::condition_variable changed_;
  std::vector<MetricsBatch> queue_;  // guarded by mu_, as below
  std::deque<SweepId> removed_;
  std::size_t bytes_ = 0;
  bool stopping_ = false;
};

}  // namespace fusor
