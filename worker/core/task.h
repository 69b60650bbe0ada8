#pragma once

// Everything the agent knows of one task. Only Tasks moves its state.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/session.h"
#include "common/base/time.h"
#include "worker/core/ending.h"
#include "worker/core/fact_queue.h"
#include "worker/core/stop_ladder.h"
#include "worker/core/task_key.h"
#include "worker/core/uploads.h"

namespace fusor::agent {

// The diagram is in agent.h.
enum class TaskState : std::uint8_t {
  kFetching,
  kWaiting,
  kStarting,
  kRunning,
  kFinishing,
  kEnded,
};

// The newest log lines, for the final fact.
class LogTail {
 public:
  void Add(std::string_view text);
  const std::deque<std::string>& lines() const { return lines_; }

 private:
  std::deque<std::string> lines_;
};

struct Task {
  TaskKey key;
  std::uint32_t slot = 0;
  StartMessage start;
  TaskState state = TaskState::kFetching;
  bool dropped = false;  // fenced: nothing of it counts any more
  bool gone = false;     // removed at the end of the turn

  FactQueue facts;
  bool sync_wanted = false;

  Ending ending;
  StopLadder ladder;
  LogTail log_tail;

  Time started_at{};
  Time running_until{};  // when it exited, or was given up
  Time last_progress{};
  Time fetch_at = kNever;  // when to try fetching again

  std::int64_t last_step = 0;
  std::optional<ProgressFact> pending_progress;
  Time progress_sent{};
  bool stepped = false;  // a step above 0 was passed on

  std::uint64_t points_left_out = 0;

  Uploads uploads;

  bool HasProcess() const { return state == TaskState::kStarting || state == TaskState::kRunning; }
};

}  // namespace fusor::agent
