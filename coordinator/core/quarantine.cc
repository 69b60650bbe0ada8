#include "coordinator/core/quarantine.h"

#include <algorithm>

#include "common/base/limits.h"
#include "coordinator/core/retry_policy.h"
#include "coordinator/core/timers.h"
#include "coordinator/core/workers.h"

namespace fusor::core {

namespace {

void Happened(Turn& turn, const char* kind, const Worker& worker, const Slot& slot,
              const std::string& reason) {
  turn.Happened({.kind = kind,
                 .worker = worker.id,
                 .detail = "slot " + std::to_string(slot.info.index) + " of " + worker.info.name,
                 .reason = reason});
}

// The worker went away, a person ended it, or it ran for all the time it had: not the slot's doing.
bool SpeaksAgainstSlot(const EarlyFailure& failure) {
  if (failure.not_started) return true;
  if (failure.failure == Failure::kLost || failure.failure == Failure::kCanceled) return false;
  return failure.failure != Failure::kTimedOut && failure.running <= limits::kQuarantineWindow;
}

void Isolate(Turn& turn, Worker& worker, Slot& slot, const std::string& reason) {
  Quarantine& quarantine = slot.quarantine;
  quarantine.pause = limits::kProbationMin;
  quarantine.probe_at = turn.now + quarantine.pause;
  quarantine.reason = reason;
  ArmWorker(turn.world, worker, quarantine.probe_at);
  turn.world.fleet.Reindex(worker);
  WriteWorker(turn, worker);
  Happened(turn, "slot_quarantined", worker, slot, reason);
}

void Release(Turn& turn, Worker& worker, Slot& slot, const std::string& reason) {
  slot.quarantine = {};
  slot.lent = false;
  turn.world.fleet.Reindex(worker);
  WriteWorker(turn, worker);
  Happened(turn, "slot_released", worker, slot, reason);
}

}  // namespace

void JudgeSlot(Turn& turn, const Attempt& attempt, const EarlyFailure& failure) {
  const auto [worker_id, index] = attempt.row.slots[failure.rank];
  Worker& worker = *turn.world.fleet.Find(worker_id);
  Slot* slot = worker.FindSlot(index);
  if (slot == nullptr || !SpeaksAgainstSlot(failure)) return;
  Quarantine& quarantine = slot->quarantine;
  if (slot->lent) {
    quarantine.pause = std::min<Duration>(quarantine.pause * 2, limits::kProbationMax);
    return;
  }
  auto& failed = quarantine.failed;
  if (std::find(failed.begin(), failed.end(), attempt.row.trial) != failed.end()) return;
  failed.push_back(attempt.row.trial);
  if (failed.size() < limits::kQuarantineFailures || !quarantine.reason.empty()) return;
  Isolate(turn, worker, *slot,
          std::to_string(failed.size()) + " different trials failed within " +
              std::to_string(limits::kQuarantineWindow.count() / 1000) +
              " s of starting; the last: " +
              (failure.not_started ? "could not be started" : FailureWords(failure.failure)));
}

void AcquitSlots(Turn& turn, const Attempt& attempt) {
  for (const auto& [worker_id, index] : attempt.row.slots) {
    Worker& worker = *turn.world.fleet.Find(worker_id);
    Slot* slot = worker.FindSlot(index);
    if (slot == nullptr) continue;
    slot->quarantine.failed.clear();
    if (!slot->quarantine.reason.empty()) Release(turn, worker, *slot, "a trial succeeded there");
  }
}

void FreeSlot(Turn& turn, Worker& worker, std::uint32_t position) {
  Quarantine& quarantine = worker.slots[position].quarantine;
  if (!quarantine.reason.empty()) {
    quarantine.probe_at = turn.now + quarantine.pause;
    ArmWorker(turn.world, worker, quarantine.probe_at);
  }
  turn.world.fleet.Release(worker, position);
}

bool LendSlots(Turn& turn, Worker& worker) {
  bool any = false;
  for (Slot& slot : worker.slots) {
    if (slot.quarantine.reason.empty() || slot.lent || slot.owner) continue;
    if (slot.quarantine.probe_at > turn.now) {
      ArmWorker(turn.world, worker, slot.quarantine.probe_at);
      continue;
    }
    slot.lent = any = true;
    Happened(turn, "slot_lent", worker, slot, "one trial may show that it works again");
  }
  if (any) turn.world.fleet.Reindex(worker);
  return any;
}

void ReleaseQuarantine(Turn& turn, Worker& worker) {
  for (Slot& slot : worker.slots) {
    if (!slot.quarantine.reason.empty()) Release(turn, worker, slot, "by request");
    slot.quarantine.failed.clear();
  }
}

}  // namespace fusor::core
