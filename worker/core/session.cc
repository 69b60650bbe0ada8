// The agent's half of the conversation with the coordinator: registration, heartbeats,
// acknowledgements, and sending facts within the limits.

#include <algorithm>
#include <set>
#include <utility>

#include "common/base/limits.h"
#include "worker/core/agent_state.h"

namespace fusor::agent {

namespace {

constexpr std::uint64_t kBatchBytes = 256 << 10;

// How long to stay away after a refusal.
Duration WaitAfter(RefuseReason reason) {
  switch (reason) {
    case RefuseReason::kOtherCluster:
    case RefuseReason::kOtherGeneration:
    case RefuseReason::kOlderIncarnation:
      return Duration(0);
    case RefuseReason::kOtherStreamLives:
      return Duration(2'000);
    case RefuseReason::kFull:
      return Duration(30'000);
    case RefuseReason::kProtocol:
      return Duration(60'000);
  }
  return Duration(0);
}

}  // namespace

void Agent::State::On(const LinkUp&) { SayHello(); }

void Agent::State::On(const LinkDown&) {
  link = LinkState::kDown;
  heartbeat_at = kNever;
  RewindFacts();
}

void Agent::State::SayHello() {
  link = LinkState::kGreeting;
  hello_said = now;
  heartbeat_at = kNever;
  RewindFacts();
  Send(HelloMessage{.cluster_id = options.cluster_id,
                    .generation = options.generation,
                    .info = options.info,
                    .held = Held()});
}

void Agent::State::Hear(const WelcomeMessage& message) {
  if (link == LinkState::kDown) return;
  const bool same =
      message.cluster_id == options.cluster_id && message.generation == options.generation;
  if (!same) {
    if (!options.cluster_id.empty()) DropAll("the coordinator is another one");
    options.cluster_id = message.cluster_id;
    options.generation = message.generation;
    Persist(SaveIdentity{options.cluster_id, options.generation});
  }
  link = LinkState::kWelcomed;
  heartbeat_every = std::max(message.heartbeat_every, Duration(1));
  lease_length = std::max(message.lease_length, 2 * heartbeat_every);
  heartbeat_at = now + heartbeat_every;
  for (const auto& [index, slot] : slots) {
    if (slot.stuck) SayCondition(index);
  }
  if (leaving) Send(LeavingMessage{leave_reason});
  for (auto& [key, task] : tasks) {
    task.uploads.RetryNow();
    if (task.fetch_at != kNever) task.fetch_at = now;
    CheckTask(task);
  }
}

void Agent::State::Hear(const RefuseMessage& message) {
  const std::string why = "refused by the coordinator: " + message.detail;
  switch (message.reason) {
    case RefuseReason::kOtherCluster:
    case RefuseReason::kOtherGeneration:
      DropAll(why);
      options.cluster_id.clear();
      options.generation = 0;
      Persist(SaveIdentity{});
      break;
    case RefuseReason::kOlderIncarnation:
      // A newer start of this very worker has taken its place: two may not run its attempts.
      leaving = hurry = failed = true;
      leave_reason = why;
      KillAll();
      break;
    case RefuseReason::kOtherStreamLives:
    case RefuseReason::kProtocol:
    case RefuseReason::kFull:
      break;
  }
  GiveUpLink(WaitAfter(message.reason), why);
}

void Agent::State::Hear(const RegisterAgainMessage&) {
  if (link != LinkState::kDown) SayHello();
}

void Agent::State::Hear(const StartMessage& message) {
  const auto held = tasks.lower_bound(TaskKey{message.attempt, 0});
  if (held != tasks.end() && held->first.attempt == message.attempt) return;  // said twice
  const std::set<std::uint32_t> distinct(message.slots.begin(), message.slots.end());
  if (message.slots.empty() || distinct.size() != message.slots.size()) {
    Do(Note{.warning = true,
            .text = "start of attempt " + std::to_string(message.attempt.value) +
                    " names no slot, or one twice"});
    return;
  }
  for (std::size_t i = 0; i < message.slots.size(); ++i) AddTask(message, i);
}

void Agent::State::Hear(const StopMessage& message) {
  for (auto at = tasks.lower_bound(TaskKey{message.attempt, 0});
       at != tasks.end() && at->first.attempt == message.attempt; ++at) {
    switch (message.mode) {
      case StopMode::kAbort:
        Stop(at->second, StopCause::kCanceled, message.reason);
        break;
      case StopMode::kCheckpointAndStop:
        Stop(at->second, StopCause::kReleased, message.reason);
        break;
      case StopMode::kDrop:
        Drop(at->second);
        break;
    }
  }
}

void Agent::State::Hear(const AckMessage& message) {
  Task* task = Find({message.attempt, message.rank});
  if (task == nullptr || task->dropped) return;
  const std::uint64_t before = task->facts.acknowledged();
  if (!task->facts.Acknowledge(message.number)) {
    Do(Note{.warning = true,
            .text = "attempt " + std::to_string(message.attempt.value) +
                    ": acknowledged a fact that was never sent"});
    return;
  }
  if (task->state == TaskState::kEnded && task->facts.AllAcknowledged()) {
    Persist(SpoolDrop{task->key});
    task->gone = true;
  } else if (task->facts.acknowledged() > before) {
    Persist(SpoolTrim{task->key, task->facts.acknowledged()});
  }
}

void Agent::State::Hear(const HeartbeatAckMessage&) {}

void Agent::State::SayCondition(std::uint32_t index) {
  if (!Welcomed()) return;
  const Slot& slot = slots[index];
  Send(SlotMessage{.slot = index,
                   .condition = slot.stuck ? SlotCondition::kStuck : SlotCondition::kUsable,
                   .reason = slot.reason});
}

void Agent::State::CheckLink() {
  if (link == LinkState::kGreeting && now >= hello_said + options.greeting_patience) {
    GiveUpLink(Duration(0), "no answer to the greeting");
  } else if (Welcomed() && now >= last_heard + lease_length) {
    GiveUpLink(Duration(0), "the coordinator is silent");
  } else if (Welcomed() && now >= heartbeat_at) {
    heartbeat_at = now + heartbeat_every;
    Send(HeartbeatMessage{.sequence = ++heartbeat_sequence, .held = Held()});
  }
}

void Agent::State::GiveUpLink(Duration wait, std::string why) {
  On(LinkDown{});
  Do(Note{.warning = true, .text = std::move(why)});
  Do(CloseLink{.wait = wait});
}

void Agent::State::RewindFacts() {
  for (auto& [key, task] : tasks) task.facts.Rewind();
}

void Agent::State::PumpFacts() {
  if (!Welcomed() || tasks.empty()) return;
  std::uint64_t in_flight = 0;
  for (const auto& [key, task] : tasks) in_flight += task.facts.bytes_in_flight();
  auto at = tasks.upper_bound(served_last);
  // One batch each in turn, until a whole round brought nothing.
  for (std::size_t idle = 0; idle < tasks.size(); ++at) {
    if (at == tasks.end()) at = tasks.begin();
    Task& task = at->second;
    ++idle;
    if (task.dropped) continue;
    if (task.facts.WantsLoad()) {
      task.facts.LoadAsked();
      Do(ReadSpool{task.key, task.facts.NextToLoad(), kLoadedBytesMax});
    }
    const std::uint64_t room = limits::kFactBytesInFlightMax -
                               std::min<std::uint64_t>(in_flight, limits::kFactBytesInFlightMax);
    const std::uint64_t before = task.facts.bytes_in_flight();
    std::vector<Fact> facts = task.facts.Take(std::min(room, kBatchBytes));
    if (facts.empty() && in_flight == 0) facts = task.facts.TakeOne();
    if (facts.empty()) continue;
    in_flight += task.facts.bytes_in_flight() - before;
    idle = 0;
    served_last = task.key;
    Send(FactsMessage{
        .attempt = task.key.attempt, .rank = task.key.rank, .facts = std::move(facts)});
  }
}

std::vector<AttemptId> Agent::State::Held() const {
  std::vector<AttemptId> held;
  for (const auto& [key, task] : tasks) {
    if (task.dropped || task.gone) continue;
    if (held.empty() || held.back() != key.attempt) held.push_back(key.attempt);
  }
  return held;
}

}  // namespace fusor::agent
