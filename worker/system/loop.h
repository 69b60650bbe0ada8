#pragma once

// The agent's one loop: descriptors, timers and what other threads post, all on the thread that
// calls Run. After each round of callbacks the turn function runs once.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "common/base/status.h"
#include "common/base/time.h"
#include "worker/system/unique_fd.h"

namespace fusor::agent {

class Loop {
 public:
  using Callback = std::function<void()>;
  using FdCallback = std::function<void(std::uint32_t events)>;  // of epoll

  static Result<std::unique_ptr<Loop>> Create();

  // The loop's thread only, all of these.
  void Watch(int fd, std::uint32_t events, FdCallback callback);
  void Unwatch(int fd);
  // Runs once, at that time or soon after; returns a number for Cancel.
  std::uint64_t At(Time when, Callback callback);
  void Cancel(std::uint64_t timer);
  // What runs after each round; it returns when it wants to run again at the latest.
  void SetTurn(std::function<Time()> turn) { turn_ = std::move(turn); }
  // Until Stop; it may be run again.
  void Run();

  // Any thread.
  void Post(Callback callback);
  void Stop();

  // Monotonic, anchored to the wall clock at the start.
  Time Now() const;

 private:
  Loop(UniqueFd epoll, UniqueFd wake);
  void Round(Time wake_at);
  void RunPosted();
  void RunTimers();

  const std::chrono::steady_clock::time_point steady_start_;
  const Time wall_start_;
  const UniqueFd epoll_;
  const UniqueFd wake_;

  // Owned by the loop's thread.
  struct Handler {
    std::uint64_t id;
    std::shared_ptr<FdCallback> callback;  // shared: it may remove itself while it runs
  };
  std::unordered_map<int, Handler> handlers_;
  std::unordered_map<std::uint64_t, int> fds_;  // by id: a closed and reused number is told apart
  std::uint64_t next_id_ = 1;
  std::multimap<Time, std::pair<std::uint64_t, Callback>> timers_;
  std::function<Time()> turn_;

  std::atomic<bool> stopped_{false};
  std::mutex mu_;
  std::vector<Callback> posted_;  // guarded by mu_
};

}  // namespace fusor::agent
