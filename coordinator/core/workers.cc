#include "coordinator/core/workers.h"

#include <algorithm>

#include "common/base/count.h"
#include "common/base/limits.h"
#include "coordinator/core/attempts.h"
#include "coordinator/core/grant.h"
#include "coordinator/core/leases.h"
#include "coordinator/core/outcomes.h"
#include "coordinator/core/timers.h"

namespace fusor::core {

namespace {

void Happened(Turn& turn, const char* kind, const Worker& worker, const std::string& reason) {
  turn.Happened({.kind = kind, .worker = worker.id, .detail = worker.info.name, .reason = reason});
}

void Refuse(Turn& turn, SessionId session, RefuseReason reason, const std::string& detail) {
  turn.Send(session, RefuseMessage{reason, detail});
  turn.effects.sends.emplace_back(CloseStream{session, detail});
  turn.Happened({.kind = "worker_refused", .reason = detail});
}

// Empty, or what is wrong with what the worker says of itself.
std::string ProblemOf(const WorkerInfo& info) {
  if (info.uid.empty() || info.uid.size() > limits::kMetricNameBytesMax) {
    return "the worker's uid must have 1 to " + std::to_string(limits::kMetricNameBytesMax) +
           " bytes";
  }
  if (info.slots.size() > limits::kSlotsPerWorkerMax) {
    return "more than " + std::to_string(limits::kSlotsPerWorkerMax) + " slots";
  }
  std::set<std::uint32_t> indexes;
  for (const SlotInfo& slot : info.slots) {
    if (!indexes.insert(slot.index).second) {
      return "slot " + std::to_string(slot.index) + " is listed twice";
    }
  }
  return "";
}

struct Refusal {
  RefuseReason reason = RefuseReason::kProtocol;
  std::string detail;
};

// Workers of another cluster, another time, another protocol.
std::optional<Refusal> CheckHandshake(const World& world, const HelloMessage& hello) {
  const CoreOptions& options = world.options;
  if (hello.protocol != 1) {
    return Refusal{RefuseReason::kProtocol, "this coordinator speaks protocol 1, the worker " +
                                                std::to_string(hello.protocol)};
  }
  if (const std::string problem = ProblemOf(hello.info); !problem.empty()) {
    return Refusal{RefuseReason::kProtocol, problem};
  }
  if (hello.cluster_id.empty()) return std::nullopt;
  if (hello.cluster_id != options.cluster_id) {
    return Refusal{
        RefuseReason::kOtherCluster,
        "the worker belongs to cluster " + hello.cluster_id + ", this is " + options.cluster_id};
  }
  if (hello.generation != options.generation) {
    return Refusal{RefuseReason::kOtherGeneration,
                   "the coordinator was restored from a backup: its generation is " +
                       std::to_string(options.generation) + ", the worker's " +
                       std::to_string(hello.generation)};
  }
  return std::nullopt;
}

// Two agents that claim one uid.
std::optional<Refusal> CheckIdentity(const World& world, const HelloMessage& hello) {
  const auto known = world.worker_by_uid.find(hello.info.uid);
  if (known == world.worker_by_uid.end()) {
    const auto present = std::count_if(world.fleet.workers().begin(), world.fleet.workers().end(),
                                       [](const auto& entry) { return !entry.second->gone; });
    if (static_cast<std::size_t>(present) < limits::kWorkersMax) return std::nullopt;
    return Refusal{RefuseReason::kFull, "there are " + std::to_string(present) +
                                            " workers, the "
                                            "most this coordinator takes"};
  }
  const Worker& worker = *world.fleet.Find(known->second);
  if (worker.session && !worker.silent) {
    return Refusal{RefuseReason::kOtherStreamLives,
                   "another agent is connected as " + worker.info.name + " (uid " +
                       worker.info.uid + "); give each its own directory"};
  }
  if (hello.info.incarnation < worker.info.incarnation) {
    return Refusal{RefuseReason::kOlderIncarnation,
                   "a later start of this worker was here: incarnation " +
                       std::to_string(worker.info.incarnation) + ", this one is " +
                       std::to_string(hello.info.incarnation)};
  }
  return std::nullopt;
}

Worker& FindOrAdd(World& world, const std::string& uid) {
  const auto known = world.worker_by_uid.find(uid);
  if (known != world.worker_by_uid.end()) return *world.fleet.Find(known->second);
  const WorkerId id{++world.last_worker.value};
  world.worker_by_uid[uid] = id;
  return world.fleet.Add(id);
}

// What the worker should run but does not say it holds: it never had it (told again), or has it no
// more.
void MissAttempt(Turn& turn, Worker& worker, Attempt& attempt, bool same_incarnation) {
  Part& part = *attempt.PartOn(worker.id);
  if (!part.held && attempt.stop == StopMode::kCheckpointAndStop) {
    EndAttempt(turn, attempt, {.outcome = {.kind = OutcomeKind::kReleased}, .worker = worker.id});
    return;
  }
  if (!part.held && same_incarnation && !attempt.stop) {
    part.lease_until = turn.now + turn.world.options.start_deadline;
    turn.SendTo(worker, StartOf(attempt, part));
    return;
  }
  LoseAttempt(turn, attempt,
              worker.info.name + (same_incarnation ? " does not have it any more"
                                                   : " was started anew without it"));
}

// Every attempt of the worker: adopted, told again, or lost.
void Reconcile(Turn& turn, Worker& worker, const HelloMessage& hello, bool same_incarnation) {
  const std::set<AttemptId> held(hello.held.begin(), hello.held.end());
  const std::set<AttemptId> ours = worker.attempts;
  for (const AttemptId id : ours) {
    Attempt* attempt = FindAttempt(turn.world, id);
    if (attempt == nullptr) continue;
    if (!held.contains(id)) {
      MissAttempt(turn, worker, *attempt, same_incarnation);
    } else if (attempt->stop) {
      turn.SendTo(worker, StopMessage{id, *attempt->stop, attempt->stop_reason});
    }
  }
}

}  // namespace

void OnStreamOpened(Turn& turn, SessionId session) {
  turn.world.sessions.emplace(session, WorkerId{});
}

void OnStreamClosed(Turn& turn, SessionId session) {
  const auto found = turn.world.sessions.find(session);
  if (found == turn.world.sessions.end()) return;
  Worker* worker = turn.world.fleet.Find(found->second);
  turn.world.sessions.erase(found);
  if (worker == nullptr || worker->session != session) return;
  worker->session = {};
  worker->silent = false;
  if (worker->leaving && worker->attempts.empty()) worker->gone = true;
  turn.world.fleet.Reindex(*worker);
  WriteWorker(turn, *worker);
  Happened(turn, "worker_disconnected", *worker, "its stream ended");
  ArmWorker(turn.world, *worker,
            worker->seen + turn.world.options.lease_length + limits::kWorkerGoneAfter);
}

Worker* WorkerOf(World& world, SessionId session) {
  const auto found = world.sessions.find(session);
  if (found == world.sessions.end() || !found->second) return nullptr;
  Worker* worker = world.fleet.Find(found->second);
  return worker != nullptr && worker->session == session ? worker : nullptr;
}

void OnHello(Turn& turn, SessionId session, const HelloMessage& hello) {
  World& world = turn.world;
  auto refusal = CheckHandshake(world, hello);
  if (!refusal) refusal = CheckIdentity(world, hello);
  if (refusal) {
    Refuse(turn, session, refusal->reason, refusal->detail);
    return;
  }
  Worker& worker = FindOrAdd(world, hello.info.uid);
  if (worker.session) {
    // It was silent for longer than a lease, so its stream is as good as closed.
    world.sessions.erase(worker.session);
    turn.effects.sends.emplace_back(CloseStream{worker.session, "replaced by a newer stream"});
  }
  const bool same = hello.info.incarnation == worker.info.incarnation;
  world.sessions[session] = worker.id;
  worker.session = session;
  worker.silent = worker.gone = false;
  worker.seen = turn.now;
  // It may say nothing after its greeting.
  ArmWorker(world, worker, turn.now + world.options.lease_length);
  if (!same) worker.leaving = false;
  if (!worker.draining && !worker.leaving) worker.reason.clear();
  SetInfo(worker, hello.info);
  turn.Send(session, WelcomeMessage{world.options.cluster_id, world.options.generation,
                                    world.options.lease_length, world.options.heartbeat_every});
  Reconcile(turn, worker, hello, same);
  RenewLeases(turn, worker, hello.held);
  world.fleet.Reindex(worker);
  WriteWorker(turn, worker);
  Happened(turn, "worker_connected", worker,
           CountOf(worker.info.slots.size(), "slot") + ", holds " +
               CountOf(hello.held.size(), "attempt"));
}

void OnInfo(Turn& turn, Worker& worker, const WorkerInfo& info) {
  const std::string problem = ProblemOf(info);
  if (!problem.empty() || info.uid != worker.info.uid) {
    turn.effects.sends.emplace_back(
        CloseStream{worker.session, problem.empty() ? "a worker's uid never changes" : problem});
    return;
  }
  SetInfo(worker, info);
  turn.world.fleet.Reindex(worker);
  WriteWorker(turn, worker);
  Happened(turn, "worker_changed", worker, "what it offers has changed");
}

void OnSlot(Turn& turn, Worker& worker, const SlotMessage& message) {
  Slot* slot = worker.FindSlot(message.slot);
  if (slot == nullptr) return;
  const bool stuck = message.condition == SlotCondition::kStuck;
  const std::string reason =
      message.reason.empty() ? "its process cannot be killed" : message.reason;
  if (slot->stuck == (stuck ? reason : "")) return;
  slot->stuck = stuck ? reason : "";
  turn.world.fleet.Reindex(worker);
  WriteWorker(turn, worker);
  turn.Happened({.kind = stuck ? "slot_stuck" : "slot_usable",
                 .worker = worker.id,
                 .detail = "slot " + std::to_string(message.slot) + " of " + worker.info.name,
                 .reason = stuck ? reason : "its process is gone"});
}

void OnLeaving(Turn& turn, Worker& worker, const LeavingMessage& message) {
  worker.leaving = true;
  worker.reason = "it leaves: " + message.reason;
  turn.world.fleet.Reindex(worker);
  WriteWorker(turn, worker);
  Happened(turn, "worker_leaving", worker, message.reason);
}

void WriteWorker(Turn& turn, const Worker& worker) {
  PutWorker row{.id = worker.id,
                .info = worker.info,
                .state = worker.StateName(),
                .reason = worker.reason,
                .draining = worker.draining,
                .drain_deadline = worker.drain_deadline,
                .seen = worker.seen};
  for (const Slot& slot : worker.slots) {
    if (slot.offered) row.slot_notes.push_back(slot.Condition());
  }
  turn.Write(std::move(row));
}

void SetInfo(Worker& worker, const WorkerInfo& info) {
  worker.info = info;
  for (Slot& slot : worker.slots) slot.offered = false;
  for (const SlotInfo& offered : info.slots) {
    Slot* slot = worker.FindSlot(offered.index);
    if (slot == nullptr) {
      worker.slots.emplace_back();
      slot = &worker.slots.back();
    }
    slot->info = offered;
    slot->offered = true;
  }
}

void EnforceDrain(Turn& turn, Worker& worker) {
  worker.drain_enforced = true;
  const std::set<AttemptId> attempts = worker.attempts;
  for (const AttemptId id : attempts) {
    StopAttempt(turn, *FindAttempt(turn.world, id),
                {StopMode::kCheckpointAndStop, "the drain of " + worker.info.name + " is due"});
  }
}

}  // namespace fusor::core
