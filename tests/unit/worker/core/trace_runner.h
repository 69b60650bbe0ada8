#pragma once

// Runs a trace: commands in, effects out, as text. Lines with ">" are commands, lines with "<" are
// what the agent did; everything else is kept as it is. A small spool in memory answers reads.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/core/agent.h"

namespace fusor::agent {

class TraceRunner {
 public:
  // The trace with the effects as they are now.
  std::string Run(const std::string& trace);

 private:
  using Words = std::vector<std::string>;

  void Command(const Words& words);
  void Restart(const Words& words);
  std::optional<Event> LinkEvent(const Words& words) const;
  std::optional<Event> ProcessEvent(const Words& words) const;
  std::optional<Event> ReportEvent(const Words& words) const;
  std::optional<Event> FileEvent(const Words& words) const;
  void Apply(Event event);
  void Emit(const Effects& effects);

  std::unique_ptr<Agent> agent_;
  Time now_{};
  std::map<TaskKey, std::vector<Fact>> spool_;
  std::string out_;
};

}  // namespace fusor::agent
