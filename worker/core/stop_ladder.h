#pragma once

// How a process is brought to an end: command, TERM, KILL, each at its time after the decision; a
// last rung says when to give up.

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/time.h"
#include "worker/core/effect.h"
#include "worker/core/ending.h"

namespace fusor::agent {

struct GiveUp {};

struct Rung {
  Time at;
  std::variant<Command, Signal, GiveUp> what;
};

struct StopTimes {
  Duration checkpoint_grace;
  Duration abort_grace;
  Duration exit_grace;
  Duration kill_patience;
};

class StopLadder {
 public:
  StopLadder() = default;
  StopLadder(StopCause cause, const StopTimes& times, Time now);

  // The next rung that is due, once.
  std::optional<Rung> Next(Time now);
  Time NextAt() const { return next_ < rungs_.size() ? rungs_[next_].at : kNever; }

 private:
  std::vector<Rung> rungs_;
  std::size_t next_ = 0;
};

}  // namespace fusor::agent
