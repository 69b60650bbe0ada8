#include "coordinator/core/attempts.h"

#include <algorithm>

#include "common/base/check.h"
#include "coordinator/core/quarantine.h"
#include "coordinator/core/trials.h"
#include "coordinator/core/waiting.h"

namespace fusor::core {

namespace {

// The part's slots: free where the rank's final fact came, else a ghost's until the worker says
// that nothing of the attempt is held.
void FreePart(Turn& turn, const Attempt& attempt, const Part& part) {
  Worker& worker = *turn.world.fleet.Find(part.worker);
  worker.attempts.erase(attempt.row.id);
  std::vector<std::uint32_t> ghosts;
  for (std::uint32_t i = 0; i < part.slots.size(); ++i) {
    const Slot* slot = worker.FindSlot(part.slots[i]);
    if (slot == nullptr || slot->owner != attempt.row.id) continue;
    const auto position = static_cast<std::uint32_t>(slot - worker.slots.data());
    if (attempt.ranks[part.first_rank + i].ended) {
      FreeSlot(turn, worker, position);
    } else {
      ghosts.push_back(position);
    }
  }
  if (ghosts.empty()) return;
  worker.ghosts[attempt.row.id] = std::move(ghosts);
  turn.SendTo(worker, StopMessage{attempt.row.id, StopMode::kDrop, "the attempt is over"});
}

}  // namespace

Attempt* FindAttempt(World& world, AttemptId id) {
  const auto found = world.attempts.find(id);
  return found == world.attempts.end() ? nullptr : found->second.get();
}

void StopAttempt(Turn& turn, Attempt& attempt, const StopOrder& order) {
  if (attempt.stop == StopMode::kAbort || attempt.stop == order.mode) return;
  attempt.stop = order.mode;
  attempt.stop_reason = order.reason;
  if (order.mode == StopMode::kAbort) attempt.stop_failure = order.failure;
  for (const Part& part : attempt.parts) {
    turn.SendTo(*turn.world.fleet.Find(part.worker),
                StopMessage{attempt.row.id, order.mode, order.reason});
  }
}

void CloseAttempt(Turn& turn, Attempt& attempt, const AttemptEnd& end) {
  Trial& trial = *attempt.trial;
  Sweep& sweep = *trial.stage->sweep;
  PutAttempt& row = attempt.row;
  CHECK(CanMove(row.state, end.state));
  row.state = end.state;
  row.outcome = end.outcome.kind;
  row.failure = end.outcome.failure;
  row.code = end.outcome.code;
  row.detail = end.outcome.detail;
  row.log_tail = end.log_tail;
  row.ended = turn.now;
  turn.Write(row);
  for (const Part& part : attempt.parts) FreePart(turn, attempt, part);
  sweep.slots_in_use -= static_cast<int>(row.slots.size());
  --sweep.running;
  NoteReordered(turn.world, sweep);
  NoteMayHaveFinished(turn.world, sweep);
  trial.current = nullptr;
  turn.world.attempts.erase(row.id);
}

Duration RunningTime(const Attempt& attempt, Time until) {
  const Time since = attempt.row.started == kNever ? attempt.row.granted : attempt.row.started;
  return std::max(until - since, Duration(0));
}

}  // namespace fusor::core
