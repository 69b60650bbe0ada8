// The life of a task: from the order to start it until nothing of it is left.

#include <algorithm>
#include <utility>

#include "worker/core/agent_state.h"

namespace fusor::agent {

namespace {

Outcome Lost(std::string detail) {
  return {.kind = OutcomeKind::kFailed, .failure = Failure::kLost, .detail = std::move(detail)};
}

std::string Seconds(Duration duration) {
  return std::to_string((duration.count() + 999) / 1'000) + " s";
}

}  // namespace

void Agent::State::AddTask(const StartMessage& start, std::size_t position) {
  const TaskKey key{start.attempt, start.rank + static_cast<std::uint32_t>(position)};
  Task& task = tasks[key];
  task.key = key;
  task.slot = start.slots[position];
  task.start = start;
  task.started_at = task.running_until = now;
  const auto slot = slots.find(task.slot);
  if (leaving) {
    task.ending.decided = Outcome{.kind = OutcomeKind::kReleased, .detail = leave_reason};
  } else if (slot == slots.end() || slot->second.stuck) {
    task.ending.decided = Lost("this worker cannot use its slot " + std::to_string(task.slot));
  }
  if (task.ending.decided) {
    Finish(task);
  } else if (start.resume || !start.inputs.empty()) {
    Do(FetchFiles{key, start});
  } else {
    FilesHere(task);
  }
}

void Agent::State::FilesHere(Task& task) {
  if (MustFetch(task.start.dataset)) {
    Say(task, "data set " + task.start.dataset + " is fetched first");
    Do(FetchDataset{task.key, task.start.dataset});
    return;
  }
  task.state = TaskState::kWaiting;
  Advance(task);
}

bool Agent::State::MustFetch(const std::string& dataset) const {
  return std::any_of(options.info.datasets.begin(), options.info.datasets.end(),
                     [&](const DatasetInfo& each) { return each.name == dataset && !each.here(); });
}

void Agent::State::Advance(Task& task) {
  if (task.state == TaskState::kWaiting) {
    Slot& slot = slots[task.slot];
    if (slot.stuck) {
      task.ending.decided = Lost("its slot is stuck: " + slot.reason);
      Finish(task);
      return;
    }
    if (slot.occupant || spool_level == SpoolLevel::kFull) return;
    slot.occupant = task.key;
    task.state = TaskState::kStarting;
    StartMessage start = task.start;
    start.rank = task.key.rank;
    Do(StartProcess{task.key, task.slot, std::move(start)});
    return;
  }
  if (task.state != TaskState::kFinishing || !SlotSettled(task)) return;
  if (task.dropped) {
    task.gone = true;
    return;
  }
  if (!task.uploads.Idle()) return;
  AppendFinal(task);
  task.state = TaskState::kEnded;
}

void Agent::State::AdvanceAll() {
  for (auto& [key, task] : tasks) Advance(task);
}

void Agent::State::Finish(Task& task) {
  task.state = TaskState::kFinishing;
  task.running_until = now;
  task.ladder = StopLadder();
  StartUploads(task);
  Advance(task);
}

bool Agent::State::SlotSettled(const Task& task) const {
  const auto slot = slots.find(task.slot);
  return slot == slots.end() || slot->second.occupant != task.key || slot->second.stuck;
}

void Agent::State::Stop(Task& task, StopCause cause, std::string reason) {
  if (task.state == TaskState::kFinishing || task.state == TaskState::kEnded) return;
  if (cause <= task.ending.cause) return;
  task.ending.cause = cause;
  task.ending.reason = std::move(reason);
  if (cause == StopCause::kCanceled) GiveUpUploads(task);
  switch (task.state) {
    case TaskState::kFetching:
    case TaskState::kWaiting:
      Finish(task);
      break;
    case TaskState::kStarting:  // the ladder begins when there is a process
      break;
    case TaskState::kRunning:
      task.ladder = StopLadder(cause, Times(), now);
      Climb(task);
      break;
    case TaskState::kFinishing:
    case TaskState::kEnded:
      break;
  }
}

void Agent::State::Climb(Task& task) {
  while (const std::optional<Rung> rung = task.ladder.Next(now)) {
    if (const auto* command = std::get_if<Command>(&rung->what)) {
      Do(SendCommand{task.key, *command});
    } else if (const auto* signal = std::get_if<Signal>(&rung->what)) {
      Do(SignalTask{task.key, *signal});
    } else {
      MarkStuck(task, "its process cannot be killed");
      Finish(task);
      return;
    }
  }
}

void Agent::State::MarkStuck(Task& task, std::string reason) {
  Slot& slot = slots[task.slot];
  slot.stuck = true;
  slot.reason = task.start.trial + ": " + std::move(reason);
  Do(Note{.warning = true,
          .text = "slot " + std::to_string(task.slot) + " is stuck: " + slot.reason});
  SayCondition(task.slot);
  AdvanceAll();
}

void Agent::State::Drop(Task& task) {
  if (task.dropped || task.gone) return;
  task.dropped = true;
  GiveUpUploads(task);
  Persist(SpoolDrop{task.key});
  if (task.HasProcess()) {
    Stop(task, StopCause::kDropped, "dropped");
  } else {
    Finish(task);
  }
}

void Agent::State::DropAll(const std::string& reason) {
  if (tasks.empty()) return;
  Do(Note{.warning = true, .text = "dropping all attempts: " + reason});
  for (auto& [key, task] : tasks) Drop(task);
}

void Agent::State::KillAll() {
  for (auto& [key, task] : tasks) {
    Stop(task, StopCause::kReleased, leave_reason);
    if (task.state != TaskState::kRunning) continue;
    task.ladder = StopLadder(StopCause::kDropped, Times(), now);
    Climb(task);
  }
}

void Agent::State::CheckTask(Task& task) {
  switch (task.state) {
    case TaskState::kFetching:
      if (Welcomed() && now >= task.fetch_at) {
        task.fetch_at = kNever;
        Do(FetchFiles{task.key, task.start});
      }
      return;
    case TaskState::kWaiting:
    case TaskState::kStarting:
    case TaskState::kEnded:
      return;
    case TaskState::kRunning:
      break;
    case TaskState::kFinishing:
      if (!SlotSettled(task) && now >= task.running_until + options.kill_patience) {
        MarkStuck(task, "its device is still in use");
      }
      StartUploads(task);
      Advance(task);
      return;
  }
  if (Welcomed() && now >= task.progress_sent + options.progress_every) FlushProgress(task);
  StartUploads(task);
  const StartMessage& start = task.start;
  if (task.ending.cause == StopCause::kNone && now >= TaskDeadline(task)) {
    if (start.time_left > Duration(0) && now >= task.started_at + start.time_left) {
      Stop(task, StopCause::kTimedOut, "its time limit is used up");
    } else {
      Stop(task, StopCause::kHung, "no progress for " + Seconds(start.hang_timeout));
    }
  }
  Climb(task);
}

Time Agent::State::TaskDeadline(const Task& task) const {
  Time next = kNever;
  if (task.state == TaskState::kFetching && Welcomed()) next = task.fetch_at;
  if (task.state == TaskState::kFinishing && !SlotSettled(task)) {
    next = task.running_until + options.kill_patience;
  }
  if (Welcomed()) next = std::min(next, task.uploads.NextStart());
  if (task.state != TaskState::kRunning) return next;
  next = std::min(next, task.ladder.NextAt());
  if (Welcomed() && task.pending_progress) {
    next = std::min(next, task.progress_sent + options.progress_every);
  }
  if (task.ending.cause != StopCause::kNone) return next;
  const StartMessage& start = task.start;
  if (start.time_left > Duration(0)) next = std::min(next, task.started_at + start.time_left);
  if (start.hang_timeout > Duration(0) && spool_level != SpoolLevel::kFull) {
    next = std::min(next, task.last_progress + start.hang_timeout);
  }
  return next;
}

void Agent::State::RemoveGone() {
  for (auto at = tasks.begin(); at != tasks.end();) {
    Task& task = at->second;
    if (!task.gone) {
      ++at;
      continue;
    }
    // A stuck process still uses its directory.
    const auto slot = slots.find(task.slot);
    if (slot == slots.end() || slot->second.occupant != task.key) Do(RemoveAttemptDir{task.key});
    at = tasks.erase(at);
  }
}

}  // namespace fusor::agent
