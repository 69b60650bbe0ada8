#pragma once

// The loop: the one thread that owns the core. Others post inputs; it drains them in turns, wakes
// at the core's next deadline, and while a commit fails it stands still and tries that again with
// back-off.

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "common/base/limits.h"
#include "coordinator/server/clock.h"
#include "coordinator/server/engine.h"
#include "coordinator/server/input.h"

namespace fusor {

// Whether a full queue may refuse the input. What workers and the daemon itself report may not be
// lost: their own limits bound it.
enum class Admission { kIfRoom, kAlways };

class Loop {
 public:
  struct Options {
    std::size_t queue_max = limits::kLoopQueueMax;
    std::size_t turn_max = limits::kEventsPerTurnMax;
    std::chrono::milliseconds retry_first{20};
    std::chrono::milliseconds retry_max{2'000};
    // Called on the loop thread when it freezes and when something is posted meanwhile: what waits
    // for an answer should not wait for the disk.
    std::function<void()> on_frozen = [] {};
  };

  Loop(Options options, std::unique_ptr<Engine> engine, const Clock& clock, Stats& stats,
       Health& health);
  ~Loop();

  void Start();
  // Any thread. False when the queue is full or the loop has stopped: the input was not taken.
  bool Post(Input input, Admission admission);
  // Any thread: too much waits, readers of streams should pause until `go_on` is called (once, on
  // the loop thread). False when there is room: `go_on` is not kept.
  bool PauseUntilDrained(std::function<void()> go_on);
  // Takes no more inputs, applies and commits what waits unless frozen, and joins.
  void Stop();

 private:
  struct Machinery;  // the Asio parts

  void Turn();
  void Arm();
  void Freeze(const Status& status);
  void RetryLater();
  void Retry();
  // Frozen or stopping: answers waiting queries with nothing; other inputs stay.
  void RefuseQueries();
  // Inputs for one turn, in order.
  void Draw();
  void Wake();

  const Options options_;
  std::unique_ptr<Engine> engine_;
  Stats& stats_;
  Health& health_;
  std::unique_ptr<Machinery> machinery_;
  std::thread thread_;

  // The loop thread's.
  LoopClock clock_;
  std::vector<Input> batch_;
  std::vector<Input> drawn_;
  std::size_t next_ = 0;  // first input of drawn_ not yet in a turn
  std::chrono::milliseconds retry_wait_{0};

  std::mutex mu_;
  std::vector<Input> inbox_;  // guarded by mu_, as below
  std::vector<std::function<void()>> paused_;
  bool scheduled_ = false;
  bool stopped_ = false;
  std::atomic<std::size_t> waiting_{0};
};

}  // namespace fusor
