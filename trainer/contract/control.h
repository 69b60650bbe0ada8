#pragma once

// What the outside wants of a running trial. Polled by the training thread between steps and during
// long phases; never blocks unless asked to wait.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace fusor {

struct Wishes {
  bool checkpoint = false;
  bool stop = false;          // checkpoint, then end as `released`
  bool finish_early = false;  // end as if the last step had been reached
};

class Control {
 public:
  struct Options {
    int command_fd = -1;          // JSON lines; -1: none
    int signal_fd = -1;           // a signalfd of the signals that mean `stop`; -1: none
    std::function<void()> abort;  // called for `abort` and when the agent is gone; does not return
  };

  explicit Control(Options options) : options_(std::move(options)) {}

  // The wishes that came since the last Take.
  Wishes Take();
  // Reads what is there; obeys `abort` at once.
  void Poll() { Wait(std::chrono::nanoseconds(0)); }
  // Waits until the time is over or a wish is there.
  void Wait(std::chrono::nanoseconds duration);

 private:
  static constexpr std::size_t kCommandBytesMax = 4'096;

  void ReadCommands();
  void ReadSignals();
  void Obey(std::string_view line);

  Options options_;
  Wishes wishes_;
  std::string partial_;  // a line whose end has not come yet
};

}  // namespace fusor
