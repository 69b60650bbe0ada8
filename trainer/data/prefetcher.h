#pragma once

// Makes batches ahead of the training thread. Batch k is whatever `make(k)` gives, so the number of
// threads changes when a batch is ready, never what is in it.
//
// `make` is called from several threads at once. What it throws is thrown by Take, in the order of
// the steps.

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "trainer/data/image_batch.h"

namespace fusor {

class Prefetcher {
 public:
  using Make = std::function<ImageBatch(std::int64_t step)>;

  // With 0 threads batches are made when they are taken.
  Prefetcher(Make make, int threads);
  ~Prefetcher();
  Prefetcher(const Prefetcher&) = delete;
  Prefetcher& operator=(const Prefetcher&) = delete;

  // One thread takes. Any step may be asked for; one after the other is what is made ahead.
  ImageBatch Take(std::int64_t step);

 private:
  // A batch, or what went wrong instead.
  struct Made {
    ImageBatch batch;
    std::exception_ptr error;
  };

  Made MakeGuarded(std::int64_t step) const;
  void Run();
  void StartAt(std::int64_t step);

  // Batches that are ready or being made beyond the one asked for, for each thread.
  static constexpr std::int64_t kAheadPerThread = 2;

  // Constant after construction.
  const Make make_;
  const std::int64_t ahead_;

  // Guarded by mutex_.
  std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable ready_;
  std::map<std::int64_t, Made> made_;
  std::int64_t next_ = 0;     // the next step to be made
  std::int64_t wanted_ = 0;   // the step that is asked for next
  std::uint64_t course_ = 0;  // raised by a jump: what was being made before it is not wanted
  bool started_ = false;
  bool stopping_ = false;

  std::vector<std::thread> threads_;  // last: they end before the rest goes
};

}  // namespace fusor
