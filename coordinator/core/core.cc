#include "coordinator/core/core.h"

#include <algorithm>

#include "coordinator/core/explain.h"
#include "coordinator/core/facts.h"
#include "coordinator/core/leases.h"
#include "coordinator/core/requests.h"
#include "coordinator/core/restore.h"
#include "coordinator/core/schedule.h"
#include "coordinator/core/timers.h"
#include "coordinator/core/trials.h"
#include "coordinator/core/views.h"
#include "coordinator/core/workers.h"
#include "coordinator/core/world.h"

namespace fusor {

using core::Turn;
using core::World;

struct Core::State {
  World world;
};

namespace {

// Messages of a worker that said Hello.
struct MessageHandler {
  Turn& turn;
  core::Worker& worker;
  SessionId session;

  void operator()(const HelloMessage&) {
    turn.effects.sends.emplace_back(CloseStream{session, "a second Hello on one stream"});
  }
  void operator()(const HeartbeatMessage& message) { OnHeartbeat(turn, worker, message); }
  void operator()(const FactsMessage& message) { OnFacts(turn, session, message); }
  void operator()(const SlotMessage& message) { OnSlot(turn, worker, message); }
  void operator()(const InfoMessage& message) { OnInfo(turn, worker, message.info); }
  void operator()(const LeavingMessage& message) { OnLeaving(turn, worker, message); }
};

void OnMessage(Turn& turn, const MessageArrived& arrived) {
  core::Worker* worker = WorkerOf(turn.world, arrived.session);
  if (worker != nullptr) {
    worker->seen = turn.now;
    std::visit(MessageHandler{turn, *worker, arrived.session}, arrived.message);
    return;
  }
  if (!turn.world.sessions.contains(arrived.session)) return;
  if (const auto* hello = std::get_if<HelloMessage>(&arrived.message)) {
    OnHello(turn, arrived.session, *hello);
  } else {
    turn.Send(arrived.session, RegisterAgainMessage{});
  }
}

struct EventHandler {
  Turn& turn;

  void operator()(const StreamOpened& event) { OnStreamOpened(turn, event.session); }
  void operator()(const StreamClosed& event) { OnStreamClosed(turn, event.session); }
  void operator()(const MessageArrived& event) { OnMessage(turn, event); }
  void operator()(const FactsStored& event) {
    ApplyStored(turn, {event.session, event.attempt, event.rank, event.number, event.core_facts});
  }
  void operator()(const SubmitSweep& event) { OnSubmit(turn, event); }
  void operator()(const CancelSweep& event) { OnCancelSweep(turn, event); }
  void operator()(const PauseSweep& event) { OnPause(turn, event); }
  void operator()(const ResumeSweep& event) { OnResume(turn, event); }
  void operator()(const SetSweep& event) { OnSet(turn, event); }
  void operator()(const ExtendSweep& event) { OnExtend(turn, event); }
  void operator()(const DeleteSweep& event) { OnDelete(turn, event); }
  void operator()(const RetryTrials& event) { OnRetry(turn, event); }
  void operator()(const CancelTrials& event) { OnCancelTrials(turn, event); }
  void operator()(const DrainWorker& event) { OnDrain(turn, event); }
  void operator()(const ResumeWorker& event) { OnResumeWorker(turn, event); }
  void operator()(const RefuseRequest& event) { OnRefuse(turn, event); }
  void operator()(const Tick&) { RunTimers(turn); }
};

}  // namespace

Core::Core(CoreOptions options) : state_(std::make_unique<State>()) {
  state_->world.options = std::move(options);
}

Core::Core(CoreOptions options, const Snapshot& snapshot, Time now) : Core(std::move(options)) {
  core::Restore(state_->world, snapshot, now);
}

Core::~Core() = default;

void Core::Apply(const Event& event, Time now, Effects& effects) {
  Turn turn{state_->world, now, effects};
  std::visit(EventHandler{turn}, event);
}

void Core::Schedule(Time now, Effects& effects) {
  Turn turn{state_->world, now, effects};
  core::ScheduleTurn(turn);
}

Time Core::NextDeadline() const { return core::NextTimer(state_->world); }

Explanation Core::Explain(const TrialKey& trial, Time now) const {
  return core::ExplainTrial(state_->world, trial, now);
}

FitReport Core::Fit(const Requirement& requirement) const {
  return core::FitOf(state_->world, {.requirement = requirement});
}

CoreView Core::View() const { return core::ViewOf(state_->world); }

SweepView Core::ViewSweep(SweepId sweep) const {
  const auto found = state_->world.sweeps.find(sweep);
  return found == state_->world.sweeps.end() ? SweepView{} : core::ViewOf(*found->second);
}

TrialView Core::ViewTrial(const TrialKey& trial) const {
  return core::ViewOf(state_->world, trial);
}

std::vector<std::optional<TrialState>> Core::States(SweepId sweep, std::uint32_t stage,
                                                    std::uint64_t from, std::uint64_t count) const {
  std::vector<std::optional<TrialState>> states;
  const core::Stage* found = core::FindStage(state_->world, {sweep, stage, 0});
  if (found == nullptr) return states;
  for (std::uint64_t cell = from; cell < found->grid->size() && cell - from < count; ++cell) {
    const bool is_trial = found->grid->IsTrial(cell);
    states.push_back(is_trial ? std::optional(core::StateOf(*found, cell)) : std::nullopt);
  }
  return states;
}

std::optional<AttemptView> Core::FindAttempt(AttemptId attempt) const {
  const auto found = state_->world.attempts.find(attempt);
  if (found == state_->world.attempts.end()) return std::nullopt;
  return core::ViewOf(*found->second);
}

}  // namespace fusor
