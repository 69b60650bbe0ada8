#include "tests/harness/wait.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace fusor::harness {

double NowSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool WaitUntil(const std::function<bool()>& holds, double seconds) {
  const double begin = NowSeconds();
  std::mutex mutex;
  std::condition_variable never;
  while (!holds()) {
    if (NowSeconds() - begin > seconds) return false;
    std::unique_lock lock(mutex);
    never.wait_for(lock, std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace fusor::harness
