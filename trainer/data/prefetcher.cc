#include "trainer/data/prefetcher.h"

#include <exception>
#include <utility>

namespace fusor {

Prefetcher::Prefetcher(Make make, int threads)
    : make_(std::move(make)), ahead_(kAheadPerThread * threads) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

Prefetcher::~Prefetcher() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  room_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

ImageBatch Prefetcher::Take(std::int64_t step) {
  if (threads_.empty()) return make_(step);
  std::unique_lock lock(mutex_);
  if (!started_ || step != wanted_) StartAt(step);
  ready_.wait(lock, [&] { return made_.contains(step); });
  Made made = std::move(made_.extract(step).mapped());
  wanted_ = step + 1;
  lock.unlock();
  room_.notify_all();
  if (made.error) std::rethrow_exception(made.error);
  return std::move(made.batch);
}

// Requires the mutex.
void Prefetcher::StartAt(std::int64_t step) {
  started_ = true;
  ++course_;
  made_.clear();
  next_ = wanted_ = step;
  room_.notify_all();
}

Prefetcher::Made Prefetcher::MakeGuarded(std::int64_t step) const {
  try {
    return {make_(step), nullptr};
  } catch (...) {
    return {{}, std::current_exception()};
  }
}

void Prefetcher::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    room_.wait(lock, [&] { return stopping_ || (started_ && next_ < wanted_ + ahead_); });
    if (stopping_) return;
    const std::int64_t step = next_++;
    const std::uint64_t course = course_;
    lock.unlock();
    Made made = MakeGuarded(step);
    lock.lock();
    if (course == course_) made_.emplace(step, std::move(made));
    ready_.notify_all();
  }
}

}  // namespace fusor
