#pragma once

// Ends the process when an orderly stop takes too long: then it is as if it had been killed, which
// is harmless.

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace fusor {

class StopDeadline {
 public:
  explicit StopDeadline(std::chrono::milliseconds patience);
  // In time: nothing happens.
  ~StopDeadline();

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  bool done_ = false;  // guarded by mu_
  std::thread thread_;
};

}  // namespace fusor
