#pragma once

// The threads that answer reads, so that gRPC's own never block on a disk. Bounded: what does not
// fit is refused.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "common/base/limits.h"
#include "coordinator/server/stats.h"

namespace fusor {

class ReadThreads {
 public:
  struct Options {
    std::size_t threads = 3;
    std::size_t queue_max = limits::kReadsWaitingMax;
  };
  // A task must answer whoever waits for it also when it is told that the daemon is stopping.
  enum class Fate { kRun, kStopping };
  using Task = std::function<void(Fate)>;

  ReadThreads(Options options, Stats& stats) : options_(options), stats_(stats) {}
  ~ReadThreads();

  void Start();
  // Any thread. False when the queue is full or stopped; the task was not taken.
  bool Post(Task task);
  // Tells what waits that the daemon stops, and joins.
  void Stop();

 private:
  void Run();

  const Options options_;
  Stats& stats_;
  std::vector<std::thread> threads_;

  std::mutex mu_;
  std::condition_variable changed_;
  std::deque<Task> queue_;  // guarded by mu_, as below
  bool stopping_ = false;
};

}  // namespace fusor
