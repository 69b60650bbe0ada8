#include "worker/core/agent.h"

#include <algorithm>
#include <utility>

#include "worker/core/agent_state.h"

namespace fusor::agent {

namespace {

// Later than that, and the agent itself did not run (a suspended machine): not the trials' fault.
constexpr Duration kOverdue{2'000};

}  // namespace

Agent::Agent(AgentOptions options, const std::vector<RestoredTask>& restored, Time now)
    : state_(std::make_unique<State>(std::move(options))) {
  State& state = *state_;
  for (const SlotInfo& slot : state.options.info.slots) state.slots[slot.index];
  for (const RestoredTask& from : restored) {
    Task task;
    task.key = from.task;
    task.facts = FactQueue(from.acknowledged, from.last_number);
    task.sync_wanted = true;
    task.started_at = task.running_until = now;
    task.state = from.has_final ? TaskState::kEnded : TaskState::kFinishing;
    if (!from.has_final && !from.tail_certain) state.drop_first.push_back(task.key);
    if (!from.has_final) {
      task.ending.decided = Outcome{.kind = OutcomeKind::kFailed,
                                    .failure = Failure::kLost,
                                    .detail = "the worker's agent was restarted"};
    }
    state.tasks.emplace(task.key, std::move(task));
  }
  state.now = now;
  state.sync_at = now;
}

Agent::~Agent() = default;

void Agent::Apply(Event event, Time now, Effects& effects) {
  State& state = *state_;
  if (state.quit) return;
  state.PassTime(now);
  state.out = &effects;
  for (const TaskKey key : std::exchange(state.drop_first, {})) state.Drop(state.tasks[key]);
  std::visit([&state](auto& what) { state.On(what); }, event);
  state.RemoveGone();
  state.QuitWhenIdle();
}

void Agent::Pump(Time now, Effects& effects) {
  State& state = *state_;
  if (state.quit) return;
  state.PassTime(now);
  state.out = &effects;
  state.PumpFacts();
}

Time Agent::NextDeadline() const { return state_->NextDeadline(); }

std::vector<AttemptId> Agent::Held() const { return state_->Held(); }

void Agent::State::PassTime(Time to) {
  if (to > now + kOverdue) {
    const Time expected = std::max(now, NextDeadline());
    if (expected < to - kOverdue) {
      const Duration overdue = to - expected;
      for (auto& [key, task] : tasks) task.last_progress += overdue;
      last_heard += overdue;
    }
  }
  now = std::max(now, to);
}

Task* Agent::State::Find(TaskKey key) {
  const auto found = tasks.find(key);
  return found == tasks.end() || found->second.gone ? nullptr : &found->second;
}

void Agent::State::On(const Received& event) {
  last_heard = now;
  std::visit([this](const auto& message) { Hear(message); }, event.message);
}

void Agent::State::On(const ProcessStarted& event) {
  Task* task = Find(event.task);
  if (task == nullptr || task->state != TaskState::kStarting) return;
  task->state = TaskState::kRunning;
  task->started_at = now;
  task->last_progress = now;
  if (spool_level == SpoolLevel::kFull) Do(HoldTask{task->key});
  if (task->ending.cause != StopCause::kNone) {
    task->ladder = StopLadder(hurry ? StopCause::kDropped : task->ending.cause, Times(), now);
    Climb(*task);
  }
}

void Agent::State::On(const StartFailed& event) {
  Task* task = Find(event.task);
  if (task == nullptr || task->state != TaskState::kStarting) return;
  if (task->ending.cause == StopCause::kNone) {
    task->ending.decided = Outcome{.kind = OutcomeKind::kFailed,
                                   .failure = Failure::kLost,
                                   .detail = "not started: " + event.status.message()};
  }
  slots[task->slot].occupant.reset();
  Finish(*task);
  AdvanceAll();
}

void Agent::State::On(const ProcessExited& event) {
  Task* task = Find(event.task);
  if (task == nullptr) return;
  if (!task->ending.exit) task->ending.exit = event;
  if (task->HasProcess()) Finish(*task);
}

void Agent::State::On(const MemoryExceeded& event) {
  Task* task = Find(event.task);
  if (task != nullptr) Stop(*task, StopCause::kMemory, event.detail);
}

void Agent::State::On(const SlotFreed& event) {
  const auto found = slots.find(event.slot);
  if (found == slots.end()) return;
  Slot& slot = found->second;
  const std::optional<TaskKey> occupant = std::exchange(slot.occupant, std::nullopt);
  if (std::exchange(slot.stuck, false)) {
    slot.reason.clear();
    SayCondition(event.slot);
  }
  // A task that was over before its process was: what it left on disk can go now.
  if (occupant && Find(*occupant) == nullptr) Do(RemoveAttemptDir{*occupant});
  AdvanceAll();
}

void Agent::State::On(const FetchDone& event) {
  Task* task = Find(event.task);
  if (task != nullptr && task->state == TaskState::kFetching) FilesHere(*task);
}

void Agent::State::On(const FetchFailed& event) {
  Task* task = Find(event.task);
  if (task == nullptr || task->state != TaskState::kFetching) return;
  if (event.status.code() == Code::kUnavailable) {
    task->fetch_at = now + Duration(2'000);
    return;
  }
  task->ending.decided = Outcome{.kind = OutcomeKind::kFailed,
                                 .failure = Failure::kLost,
                                 .detail = "its files did not come: " + event.status.message()};
  Finish(*task);
}

void Agent::State::On(const DatasetProgress& event) {
  Task* task = Find(event.task);
  if (task == nullptr || task->state != TaskState::kFetching) return;
  task->pending_progress = ProgressFact{.phase = event.phase};
  if (Welcomed() && now >= task->progress_sent + options.progress_every) FlushProgress(*task);
}

void Agent::State::On(const DatasetHere& event) {
  Task* task = Find(event.task);
  if (task == nullptr || task->state != TaskState::kFetching) return;
  task->pending_progress.reset();
  Say(*task, "data set " + task->start.dataset + " is here");
  task->state = TaskState::kWaiting;
  Advance(*task);
}

void Agent::State::On(const DatasetFailed& event) {
  Task* task = Find(event.task);
  if (task == nullptr || task->state != TaskState::kFetching) return;
  task->pending_progress.reset();
  task->ending.decided = Outcome{.kind = OutcomeKind::kFailed,
                                 .failure = Failure::kBadData,
                                 .detail = "data set " + task->start.dataset +
                                           " could not be fetched: " + event.status.message()};
  Finish(*task);
}

void Agent::State::On(const InfoChanged& event) {
  options.info = event.info;
  for (const SlotInfo& slot : options.info.slots) slots[slot.index];
  if (Welcomed()) Send(InfoMessage{options.info});
}

void Agent::State::On(const ShutdownRequested& event) {
  if (leaving) {
    hurry = true;
    KillAll();
    return;
  }
  leaving = true;
  leave_reason = event.reason;
  if (Welcomed()) Send(LeavingMessage{leave_reason});
  for (auto& [key, task] : tasks) Stop(task, StopCause::kReleased, leave_reason);
}

void Agent::State::On(const Tick&) {
  CheckLink();
  for (auto& [key, task] : tasks) CheckTask(task);
  if (now >= sync_at) SyncSpool();
}

void Agent::State::QuitWhenIdle() {
  if (!leaving || quit) return;
  for (const auto& [key, task] : tasks) {
    if (task.HasProcess()) return;
    if (task.state == TaskState::kFinishing && !SlotSettled(task)) return;
  }
  if (!tasks.empty() && !hurry) {
    if (drain_until == kNever) drain_until = now + options.drain_patience;
    if (now < drain_until) return;
  }
  quit = true;
  std::string reason = leave_reason;
  if (!tasks.empty()) {
    reason += "; kept for the next start: undelivered facts, tasks=" + std::to_string(tasks.size());
  }
  Do(Quit{.failed = failed, .reason = std::move(reason)});
}

Time Agent::State::NextDeadline() const {
  if (quit) return kNever;
  Time next = std::min(sync_at, drain_until);
  if (link == LinkState::kGreeting) next = std::min(next, hello_said + options.greeting_patience);
  if (Welcomed()) next = std::min({next, heartbeat_at, last_heard + lease_length});
  for (const auto& [key, task] : tasks) next = std::min(next, TaskDeadline(task));
  return next;
}

}  // namespace fusor::agent
