#include "coordinator/core/restore.h"

#include <algorithm>
#include <cmath>

#include "common/base/limits.h"
#include "coordinator/core/checkpoints.h"
#include "coordinator/core/requests.h"
#include "coordinator/core/retry_policy.h"
#include "coordinator/core/stage_failure.h"
#include "coordinator/core/sweeps.h"
#include "coordinator/core/timers.h"
#include "coordinator/core/trials.h"
#include "coordinator/core/waiting.h"
#include "coordinator/core/workers.h"

namespace fusor::core {

namespace {

constexpr std::string_view kQuarantined = "quarantined: ";

void RestoreSlotNote(World& world, Worker& worker, Slot& slot, const std::string& note, Time now) {
  // A stuck slot is said anew by its worker; a quarantine only the coordinator knows.
  if (!note.starts_with(kQuarantined)) return;
  slot.quarantine.reason = note.substr(kQuarantined.size());
  slot.quarantine.pause = limits::kProbationMin;
  slot.quarantine.probe_at = now + slot.quarantine.pause;
  ArmWorker(world, worker, slot.quarantine.probe_at);
}

void RestoreWorker(World& world, const PutWorker& row, Time now) {
  Worker& worker = world.fleet.Add(row.id);
  world.worker_by_uid[row.info.uid] = row.id;
  SetInfo(worker, row.info);
  worker.draining = row.draining;
  worker.drain_deadline = row.drain_deadline;
  worker.gone = row.state == "gone";
  worker.reason = row.reason;
  worker.seen = now;
  for (std::size_t i = 0; i < std::min(row.slot_notes.size(), worker.slots.size()); ++i) {
    RestoreSlotNote(world, worker, worker.slots[i], row.slot_notes[i], now);
  }
  if (!worker.gone) {
    ArmWorker(world, worker, now + world.options.lease_length + limits::kWorkerGoneAfter);
  }
  if (row.draining) ArmWorker(world, worker, row.drain_deadline);
  world.fleet.Reindex(worker);
}

void RestoreTrial(World& world, const PutTrial& row, Time now) {
  Stage* stage = FindStage(world, row.key);
  if (stage == nullptr || row.key.cell >= stage->grid->size()) return;
  auto trial = std::make_unique<Trial>();
  trial->row = row;
  trial->stage = stage;
  SetCell(*stage, row.key.cell, row.state);
  // Back-off begins anew: nobody knows when it began.
  if (row.state == TrialState::kReady && row.crashes > 0) {
    trial->ready_at = now + BackoffOf(row.crashes);
  }
  stage->trials[row.key.cell] = std::move(trial);
}

Time LimitOf(const Trial& trial, const PutAttempt& row, Time lease) {
  const Duration left = TimeLeft(trial);
  if (row.started == kNever || left == Duration::zero()) return kNever;
  return std::max(row.started + left + limits::kTimeLimitGrace, lease);
}

void RestoreParts(World& world, Attempt& attempt, Time lease) {
  for (const auto& [worker_id, index] : attempt.row.slots) {
    Worker* worker = world.fleet.Find(worker_id);
    if (worker == nullptr) continue;
    Part* part = attempt.PartOn(worker_id);
    if (part == nullptr) {
      attempt.parts.push_back({.worker = worker_id,
                               .first_rank = static_cast<std::uint32_t>(attempt.ranks.size()),
                               .held = attempt.row.state == AttemptState::kRunning,
                               .lease_until = lease});
      part = &attempt.parts.back();
      worker->attempts.insert(attempt.row.id);
      ArmWorker(world, *worker, std::min(lease, attempt.limit_at));
    }
    part->slots.push_back(index);
    attempt.ranks.emplace_back();
    Slot* slot = worker->FindSlot(index);
    if (slot == nullptr || slot->owner) continue;
    world.fleet.Take(*worker, static_cast<std::uint32_t>(slot - worker->slots.data()),
                     attempt.row.id);
  }
}

// What the attempt was told before, as far as the rows say; it is told again when its worker
// returns.
void RestoreStop(Attempt& attempt) {
  const Trial& trial = *attempt.trial;
  const Sweep& sweep = *trial.stage->sweep;
  if (trial.row.state != TrialState::kRunning) {
    attempt.stop = StopMode::kAbort;
    attempt.stop_reason = trial.row.reason;
    attempt.stop_failure = Failure::kCanceled;
  } else if (sweep.row.state == SweepState::kPaused && sweep.row.releasing) {
    attempt.stop = StopMode::kCheckpointAndStop;
    attempt.stop_reason = "the sweep is paused";
  }
}

void RestoreAttempt(World& world, const PutAttempt& row, Time now) {
  Stage* stage = FindStage(world, row.trial);
  Trial* trial = stage == nullptr ? nullptr : FindTrial(*stage, row.trial.cell);
  if (trial == nullptr || trial->current != nullptr || row.slots.empty()) return;
  const Time lease = now + world.options.lease_length;
  auto& attempt = world.attempts[row.id];
  attempt = std::make_unique<Attempt>();
  attempt->row = row;
  attempt->trial = trial;
  attempt->heard = now;
  // What it resumed from it has said; it may have committed newer ones since.
  attempt->resume_step = row.started == kNever ? ResumeStep(*trial) : row.resumed_from_step;
  attempt->limit_at = LimitOf(*trial, row, lease);
  const Requirement& requirement =
      stage->classes[stage->grid->ClassOf(row.trial.cell)]->requirement;
  attempt->fallback = row.precision_used != requirement.precision;
  RestoreParts(world, *attempt, lease);
  RestoreStop(*attempt);
  trial->current = attempt.get();
  Sweep& sweep = *stage->sweep;
  sweep.slots_in_use += static_cast<int>(row.slots.size());
  ++sweep.running;
}

void RestoreCheckpoint(Trial& trial, const PutArtifact& row) {
  auto& checkpoints = trial.checkpoints;
  const auto same = std::find_if(checkpoints.begin(), checkpoints.end(),
                                 [&](const Checkpoint& c) { return c.fact.step == row.step; });
  Checkpoint& checkpoint = same == checkpoints.end() ? checkpoints.emplace_back() : *same;
  checkpoint.fact.step = row.step;
  checkpoint.fact.files.push_back(row.file);
  checkpoint.artifacts.push_back(row.id);
  std::sort(checkpoints.begin(), checkpoints.end(),
            [](const Checkpoint& a, const Checkpoint& b) { return a.fact.step < b.fact.step; });
}

void RestoreArtifact(World& world, const PutArtifact& row) {
  Stage* stage = FindStage(world, row.trial);
  if (stage == nullptr) return;
  Trial* trial = FindTrial(*stage, row.trial.cell);
  if (trial != nullptr && row.kind == "checkpoint") {
    RestoreCheckpoint(*trial, row);
  } else if (trial != nullptr) {
    NoteModel(*trial, row.kind, row.file);
  } else if (stage->states.Get(row.trial.cell) == TrialState::kSucceeded) {
    Trial succeeded{.stage = stage, .models = std::move(stage->results[row.trial.cell])};
    NoteModel(succeeded, row.kind, row.file);
    stage->results[row.trial.cell] = std::move(succeeded.models);
  }
}

void RestoreObjective(World& world, const PutEvaluation& row) {
  Stage* stage = FindStage(world, row.trial);
  Trial* trial = stage == nullptr ? nullptr : FindTrial(*stage, row.trial.cell);
  if (trial == nullptr || !std::isfinite(row.value)) return;
  const bool maximize = stage->sweep->spec->objective.maximize;
  auto& bests = trial->bests;
  const bool better = bests.empty() || (maximize ? row.value > bests.back().second
                                                 : row.value < bests.back().second);
  if (better) bests.emplace_back(row.step, row.value);
}

void RestoreSweep(World& world, const Snapshot::Sweep& row) {
  Sweep& sweep = AddSweep(world, row.row, row.spec);
  for (const Snapshot::Sweep::Cell& cell : row.terminal) {
    if (cell.stage >= sweep.stages.size()) continue;
    Stage& stage = *sweep.stages[cell.stage];
    if (cell.cell < stage.grid->size()) SetCell(stage, cell.cell, cell.state);
  }
}

// What follows from the rows and has none of its own: failed stages, trials that wait or are
// skipped.
void Derive(World& world, Time now) {
  Effects discarded;
  Turn turn{world, now, discarded};
  const EventId last_event = world.last_event;
  for (const auto& [id, sweep] : world.sweeps) {
    if (sweep->row.state == SweepState::kCanceled) continue;
    for (const auto& stage : sweep->stages) {
      RecloseStage(*stage);
      RequeueStage(turn, *stage);
    }
  }
  world.last_event = last_event;
}

}  // namespace

void Restore(World& world, const Snapshot& snapshot, Time now) {
  world.last_attempt = snapshot.last_attempt;
  world.last_artifact = snapshot.last_artifact;
  world.last_event = snapshot.last_event;
  world.last_sweep = snapshot.last_sweep;
  world.last_worker = snapshot.last_worker;
  for (const PutWorker& row : snapshot.workers) RestoreWorker(world, row, now);
  for (const Snapshot::Sweep& row : snapshot.sweeps) RestoreSweep(world, row);
  for (const PutTrial& row : snapshot.live_trials) RestoreTrial(world, row, now);
  for (const PutEvaluation& row : snapshot.objectives) RestoreObjective(world, row);
  for (const PutArtifact& row : snapshot.artifacts) RestoreArtifact(world, row);
  for (const PutAttempt& row : snapshot.live_attempts) RestoreAttempt(world, row, now);
  for (const PutCursor& row : snapshot.cursors) {
    const auto found = world.attempts.find(row.attempt);
    if (found == world.attempts.end() || row.rank >= found->second->ranks.size()) continue;
    found->second->ranks[row.rank].cursor = row.number;
  }
  for (const PutRequest& row : snapshot.requests) Remember(world, row);
  Derive(world, now);
}

}  // namespace fusor::core
