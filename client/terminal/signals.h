#pragma once

// Ctrl-C and SIGTERM as calls on a thread of their own, never inside a handler. Make it first thing
// in main: it blocks the signals for every thread made later; children must unblock them.

#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace fusor::client {

class Signals {
 public:
  // `signal` is SIGINT or SIGTERM; `count` is 1 at the first, 2 at the second, ...
  using Handler = std::function<void(int signal, int count)>;

  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // While the returned guard lives, `handler` runs on the signal thread. Without one the process
  // ends at once with 128 + the signal's number.
  class Guard {
   public:
    Guard(Signals* signals, Handler handler);
    ~Guard();
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    Signals* signals_;
    Handler before_;
    int count_before_;
  };

 private:
  void Run();

  std::mutex mu_;
  Handler handler_;    // guarded by mu_
  int count_ = 0;      // guarded by mu_
  bool stop_ = false;  // guarded by mu_
  std::thread thread_;
};

}  // namespace fusor::client
