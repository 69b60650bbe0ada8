#include "coordinator/server/read_threads.h"

#include <utility>

namespace fusor {

ReadThreads::~ReadThreads() { Stop(); }

void ReadThreads::Start() {
  for (std::size_t i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { Run(); });
}

bool ReadThreads::Post(Task task) {
  {
    const std::lock_guard lock(mu_);
    if (stopping_ || queue_.size() >= options_.queue_max) {
      ++stats_.reads_refused;
      return false;
    }
    queue_.push_back(std::move(task));
  }
  ++stats_.reads;
  changed_.notify_one();
  return true;
}

void ReadThreads::Run() {
  for (;;) {
    Task task;
    Fate fate = Fate::kRun;
    {
      std::unique_lock lock(mu_);
      changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
      if (stopping_) fate = Fate::kStopping;
    }
    task(fate);
  }
}

void ReadThreads::Stop() {
  {
    const std::lock_guard lock(mu_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace fusor
