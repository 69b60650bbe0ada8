#include "coordinator/core/leases.h"

#include <algorithm>

#include "common/base/limits.h"
#include "coordinator/core/attempts.h"
#include "coordinator/core/outcomes.h"
#include "coordinator/core/quarantine.h"
#include "coordinator/core/timers.h"
#include "coordinator/core/trials.h"
#include "coordinator/core/workers.h"

namespace fusor::core {

namespace {

void Happened(Turn& turn, const char* kind, const Attempt& attempt, const Part& part,
              const std::string& reason) {
  turn.Happened({.kind = kind,
                 .sweep = attempt.row.trial.sweep,
                 .trial = attempt.row.trial,
                 .has_trial = true,
                 .attempt = attempt.row.id,
                 .worker = part.worker,
                 .detail = turn.world.fleet.Find(part.worker)->info.name,
                 .reason = reason});
}

void Renew(Turn& turn, Worker& worker, Attempt& attempt) {
  Part& part = *attempt.PartOn(worker.id);
  part.held = true;
  part.lease_until = turn.now + turn.world.options.lease_length;
  attempt.heard = turn.now;
  ArmWorker(turn.world, worker, part.lease_until);
  if (!part.suspect) return;
  part.suspect = false;
  Happened(turn, "attempt_back", attempt, part, "its worker holds it");
}

void FreeGhosts(Turn& turn, Worker& worker, const std::vector<AttemptId>& held) {
  for (auto it = worker.ghosts.begin(); it != worker.ghosts.end();) {
    if (std::find(held.begin(), held.end(), it->first) != held.end()) {
      ++it;
      continue;
    }
    for (const std::uint32_t position : it->second) FreeSlot(turn, worker, position);
    it = worker.ghosts.erase(it);
  }
}

// A worker that talks and does not list an attempt it once listed has it no more.
void LoseUnlisted(Turn& turn, Worker& worker, const std::vector<AttemptId>& held) {
  const std::set<AttemptId> ours = worker.attempts;
  for (const AttemptId id : ours) {
    if (std::find(held.begin(), held.end(), id) != held.end()) continue;
    Attempt* attempt = FindAttempt(turn.world, id);
    if (attempt == nullptr || !attempt->PartOn(worker.id)->held) continue;
    LoseAttempt(turn, *attempt, worker.info.name + " does not have it any more");
  }
}

Duration LostAfter(const Attempt& attempt) { return attempt.trial->stage->spec->retry.lost_after; }

// Lapsed: suspect, then lost. When to look again.
Time CheckLease(Turn& turn, Worker& worker, Attempt& attempt) {
  Part& part = *attempt.PartOn(worker.id);
  if (part.lease_until > turn.now) return part.lease_until;
  if (!part.held && worker.session && !worker.silent) {
    LoseAttempt(turn, attempt, worker.info.name + " did not start it in time");
    return kNever;
  }
  if (!part.suspect) {
    part.suspect = true;
    Happened(turn, "attempt_suspect", attempt, part, "its lease has lapsed");
  }
  const Time lost_at = part.lease_until + LostAfter(attempt);
  if (lost_at > turn.now) return lost_at;
  LoseAttempt(turn, attempt, worker.info.name + " was not heard of for too long");
  return kNever;
}

Time CheckLimit(Turn& turn, Attempt& attempt) {
  if (attempt.limit_at > turn.now) return attempt.limit_at;
  attempt.limit_at = kNever;
  StopAttempt(turn, attempt, {StopMode::kAbort, "its time limit is used up", Failure::kTimedOut});
  return kNever;
}

Time CheckAttempts(Turn& turn, Worker& worker) {
  Time next = kNever;
  const std::set<AttemptId> ours = worker.attempts;
  for (const AttemptId id : ours) {
    Attempt* attempt = FindAttempt(turn.world, id);
    if (attempt == nullptr) continue;
    next = std::min(next, CheckLimit(turn, *attempt));
    next = std::min(next, CheckLease(turn, worker, *attempt));
  }
  return next;
}

Time CheckSilence(Turn& turn, Worker& worker) {
  const Time lapses = worker.seen + turn.world.options.lease_length;
  if (worker.session) {
    if (worker.silent) return kNever;
    if (lapses > turn.now) return lapses;
    worker.silent = true;
    turn.world.fleet.Reindex(worker);
    WriteWorker(turn, worker);
    turn.Happened({.kind = "worker_silent",
                   .worker = worker.id,
                   .detail = worker.info.name,
                   .reason = "its stream is open, but it says nothing"});
    return kNever;
  }
  if (worker.gone) return kNever;
  const Time gone = lapses + limits::kWorkerGoneAfter;
  if (gone > turn.now) return gone;
  worker.gone = true;
  turn.world.fleet.Reindex(worker);
  if (worker.reason.empty()) worker.reason = "its stream ended and it did not come back";
  WriteWorker(turn, worker);
  turn.Happened({.kind = "worker_gone",
                 .worker = worker.id,
                 .detail = worker.info.name,
                 .reason = worker.reason});
  return kNever;
}

Time CheckDrain(Turn& turn, Worker& worker) {
  if (!worker.draining || worker.drain_enforced) return kNever;
  if (worker.drain_deadline > turn.now) return worker.drain_deadline;
  EnforceDrain(turn, worker);
  return kNever;
}

}  // namespace

void OnHeartbeat(Turn& turn, Worker& worker, const HeartbeatMessage& heartbeat) {
  worker.seen = turn.now;
  if (worker.silent) {
    worker.silent = false;
    turn.world.fleet.Reindex(worker);
    WriteWorker(turn, worker);
    turn.Happened({.kind = "worker_connected",
                   .worker = worker.id,
                   .detail = worker.info.name,
                   .reason = "it speaks again"});
    ArmWorker(turn.world, worker, turn.now + turn.world.options.lease_length);
  }
  RenewLeases(turn, worker, heartbeat.held);
  turn.SendTo(worker, HeartbeatAckMessage{heartbeat.sequence});
}

void RenewLeases(Turn& turn, Worker& worker, const std::vector<AttemptId>& held) {
  for (const AttemptId id : held) {
    Attempt* attempt = FindAttempt(turn.world, id);
    if (attempt != nullptr && attempt->PartOn(worker.id) != nullptr) {
      Renew(turn, worker, *attempt);
    } else {
      turn.SendTo(worker, StopMessage{id, StopMode::kDrop, "it is not granted to this worker"});
    }
  }
  LoseUnlisted(turn, worker, held);
  FreeGhosts(turn, worker, held);
}

void CheckWorker(Turn& turn, Worker& worker) {
  Time next = CheckAttempts(turn, worker);
  next = std::min(next, CheckSilence(turn, worker));
  next = std::min(next, CheckDrain(turn, worker));
  if (next != kNever) ArmWorker(turn.world, worker, next);
  LendSlots(turn, worker);
}

}  // namespace fusor::core
