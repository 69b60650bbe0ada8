#pragma once

// Waits that end at once when somebody asks to stop.

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace fusor {

// False when it was cut short.
inline bool Pause(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  // It guards nothing: waiting wants one.
  // cppcheck-suppress localMutex
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace fusor
