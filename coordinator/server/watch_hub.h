#pragma once

// The one thread that feeds every watcher. A watcher keeps a place in the files, not a queue: when
// something was committed, or a second has passed, it is asked for its next message, and only while
// it is not still writing the last. So a slow reader costs nothing and a fast one follows closely.

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "common/base/id.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "coordinator/server/stats.h"

namespace fusor {

// What has happened up to a round.
struct WatchRound {
  EventId committed;         // state.db holds the events up to here
  std::uint64_t stored = 0;  // grows with every commit of metrics.db
  std::chrono::steady_clock::time_point time;
};

class Watcher {
 public:
  virtual ~Watcher() = default;
  // Writes its next message, if it has one and is not writing. On the hub's thread.
  virtual void Advance(const WatchRound& round) = 0;
  // Ends the stream.
  virtual void End(const Status& status) = 0;
};

class WatchHub {
 public:
  struct Options {
    std::size_t watchers_max = limits::kWatchersMax;
    std::chrono::milliseconds pause{30};  // between two rounds for all
    std::chrono::milliseconds tick{1'000};
  };

  WatchHub(Options options, Stats& stats) : options_(options), stats_(stats) {}
  ~WatchHub();

  void Start();
  // False when there are too many.
  bool Add(const std::shared_ptr<Watcher>& watcher);
  void Remove(const std::shared_ptr<Watcher>& watcher);
  // The watcher's message has gone out: it may have more at once. Any thread.
  void Again(const std::shared_ptr<Watcher>& watcher);
  void OnCommitted(EventId last);
  void OnStored();
  // Ends every stream, and joins.
  void Stop();

 private:
  using Watchers = std::vector<std::shared_ptr<Watcher>>;

  void Run();
  // Who is to be asked now; empty when stopping.
  Watchers Next(WatchRound& round);

  const Options options_;
  Stats& stats_;
  std::thread thread_;
  std::atomic<std::uint64_t> committed_{0};
  std::atomic<std::uint64_t> stored_{0};
  std::atomic<bool> anybody_{false};

  std::mutex mu_;
  std::condition_variable changed_;
  // Guarded by mu_, as below. Shared with gRPC, which calls a watcher until its OnDone.
  std::set<std::shared_ptr<Watcher>> watchers_;
  std::set<std::shared_ptr<Watcher>> again_;
  bool news_ = false;
  bool stopping_ = false;
  std::chrono::steady_clock::time_point last_all_;
};

}  // namespace fusor
