// What processes say, on its way: numbered, spooled, uploaded.

#include <algorithm>
#include <utility>

#include "worker/core/agent_state.h"

namespace fusor::agent {

namespace {

// Metric points are kept for every so manieth step; 0: for none.
std::int64_t StepsKept(SpoolLevel level) {
  switch (level) {
    case SpoolLevel::kOk:
      return 1;
    case SpoolLevel::kThin10:
      return 10;
    case SpoolLevel::kThin100:
      return 100;
    case SpoolLevel::kReserve:
    case SpoolLevel::kFull:
      return 0;
  }
  return 1;
}

// Leaves out the points of all other steps; returns how many.
std::uint64_t Thin(MetricsFact& fact, std::int64_t every) {
  if (every == 1) return 0;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < fact.steps.size(); ++i) {
    if (every == 0 || fact.steps[i] % every != 0) continue;
    fact.steps[kept] = fact.steps[i];
    for (std::vector<double>& column : fact.values) column[kept] = column[i];
    ++kept;
  }
  const std::uint64_t left_out = (fact.steps.size() - kept) * fact.names.size();
  fact.steps.resize(kept);
  for (std::vector<double>& column : fact.values) column.resize(kept);
  return left_out;
}

}  // namespace

void Agent::State::On(Reported& event) {
  Task* task = Find(event.task);
  if (task == nullptr || task->dropped || task->state != TaskState::kRunning) return;
  if (const auto* progress = std::get_if<ProgressFact>(&event.body)) {
    task->last_progress = now;
    task->last_step = progress->step;
    task->pending_progress = *progress;
    const bool first_step = progress->step > 0 && !task->stepped;
    const bool due = first_step || now >= task->progress_sent + options.progress_every;
    if (Welcomed() && due) FlushProgress(*task);
    return;
  }
  if (auto* metrics = std::get_if<MetricsFact>(&event.body)) {
    task->points_left_out += Thin(*metrics, StepsKept(spool_level));
    if (metrics->steps.empty()) return;
  } else if (auto* started = std::get_if<StartedFact>(&event.body)) {
    started->precision_used = task->start.precision_used;
  } else if (const auto* log = std::get_if<LogFact>(&event.body)) {
    task->log_tail.Add(log->text);
    if (spool_level >= SpoolLevel::kReserve) return;
  } else if (!std::holds_alternative<EvaluationFact>(event.body)) {
    return;
  }
  Append(*task, std::move(event.body));
}

void Agent::State::On(const CheckpointReported& event) {
  Task* task = Find(event.task);
  const bool counts = task != nullptr && !task->dropped && task->state == TaskState::kRunning &&
                      task->ending.cause != StopCause::kCanceled;
  if (!counts) {
    Do(DiscardStaged{event.task, event.staged});
    return;
  }
  const std::optional<StagedId> replaced =
      task->uploads.Add({.staged = event.staged, .step = event.step, .checkpoint = true});
  if (replaced) Do(DiscardStaged{task->key, *replaced});
  StartUploads(*task);
}

void Agent::State::On(const ArtifactReported& event) {
  Task* task = Find(event.task);
  const bool counts = task != nullptr && !task->dropped && task->state == TaskState::kRunning &&
                      task->ending.cause != StopCause::kCanceled;
  if (!counts) {
    Do(DiscardStaged{event.task, event.staged});
    return;
  }
  const std::optional<StagedId> replaced = task->uploads.Add(
      {.staged = event.staged, .step = event.step, .kind = event.kind, .name = event.name});
  if (replaced) Do(DiscardStaged{task->key, *replaced});
  StartUploads(*task);
}

void Agent::State::On(const FailureReported& event) {
  Task* task = Find(event.task);
  if (task != nullptr && task->state == TaskState::kRunning) task->ending.failure = event;
}

void Agent::State::On(const FinalReported& event) {
  Task* task = Find(event.task);
  if (task == nullptr || task->state != TaskState::kRunning) return;
  task->ending.final = event;
  task->last_step = event.step;
  Stop(*task, StopCause::kFinished, "");
}

void Agent::State::On(const UploadDone& event) {
  Task* task = Find(event.task);
  if (task == nullptr) return;
  std::optional<Upload> upload = task->uploads.Finish(event.staged);
  if (!upload) return;
  Do(DiscardStaged{task->key, event.staged});
  if (upload->checkpoint) {
    Append(*task, CheckpointFact{.step = upload->step, .files = event.files});
  } else {
    for (const StoredFile& file : event.files) {
      Append(*task, ArtifactFact{.kind = upload->kind, .step = upload->step, .file = file});
    }
  }
  StartUploads(*task);
  Advance(*task);
}

void Agent::State::On(const UploadFailed& event) {
  Task* task = Find(event.task);
  if (task == nullptr) return;
  const Code code = event.status.code();
  if (code == Code::kUnavailable || code == Code::kResourceExhausted) {
    const std::optional<StagedId> given_up = task->uploads.Postpone(event.staged, now);
    if (given_up) Do(DiscardStaged{task->key, *given_up});
    StartUploads(*task);
    return;
  }
  const std::optional<Upload> upload = task->uploads.Finish(event.staged);
  if (!upload) return;
  Do(DiscardStaged{task->key, event.staged});
  const std::string what = upload->checkpoint ? "checkpoint of step " + std::to_string(upload->step)
                                              : "artifact " + upload->name;
  const std::string why = what + " could not be stored: " + event.status.message();
  Say(*task, why);
  // A checkpoint may be missing; a result may not.
  if (!upload->checkpoint) task->ending.not_stored = why;
  StartUploads(*task);
  Advance(*task);
}

void Agent::State::On(const SpoolSynced& event) {
  if (Task* task = Find(event.task)) task->facts.Synced(event.number);
}

void Agent::State::On(SpoolRead& event) {
  Task* task = Find(event.task);
  if (task == nullptr || task->dropped) return;
  if (!event.damaged) {
    task->facts.Loaded(std::move(event.facts));
    return;
  }
  Do(Note{.warning = true,
          .text = "the spool of attempt " + std::to_string(event.task.attempt.value) +
                  " is damaged: dropped"});
  Drop(*task);
}

void Agent::State::On(const SpoolLevelChanged& event) { SetSpoolLevel(event.level); }

void Agent::State::SetSpoolLevel(SpoolLevel level) {
  const SpoolLevel before = std::exchange(spool_level, level);
  if (before == level) return;
  const bool was_full = before == SpoolLevel::kFull;
  const bool is_full = level == SpoolLevel::kFull;
  const std::int64_t every = StepsKept(level);
  for (auto& [key, task] : tasks) {
    if (task.state != TaskState::kRunning || task.dropped) continue;
    if (is_full) Do(HoldTask{key});
    if (was_full) {
      Do(ReleaseTask{key});
      task.last_progress = now;
    }
    if (every == StepsKept(before)) continue;
    if (every == 1) {
      Say(task, "the spool has room again: every metric point is kept");
    } else if (every == 0) {
      Say(task, "the spool is nearly full: no metric points and log lines are kept");
    } else {
      Say(task, "the spool is filling up: metric points are kept for every " +
                    std::to_string(every) + "th step");
    }
  }
  if (was_full) AdvanceAll();
}

void Agent::State::Append(Task& task, FactBody body) {
  if (task.dropped || task.state == TaskState::kEnded) return;
  // A final fact is not: lost with the machine, its attempt is dropped, and the coordinator has it
  // or counts the attempt as lost. Mostly it is acknowledged, and gone, before the next sync.
  const bool sync_now = WaitsForSync(body);
  Persist(SpoolAppend{task.key, task.facts.Append(std::move(body), Welcomed())});
  if (sync_now) {
    task.sync_wanted = false;
    Persist(SpoolSync{task.key});
  } else {
    task.sync_wanted = true;
    if (sync_at == kNever) sync_at = now + options.spool_sync_every;
  }
}

void Agent::State::FlushProgress(Task& task) {
  if (!task.pending_progress) return;
  task.progress_sent = now;
  if (task.pending_progress->step > 0) task.stepped = true;
  Append(task, *std::exchange(task.pending_progress, std::nullopt));
}

void Agent::State::StartUploads(Task& task) {
  if (!Welcomed() || task.dropped) return;
  if (const std::optional<StagedId> staged = task.uploads.StartNext(now)) {
    Do(StartUpload{task.key, *staged});
  }
}

void Agent::State::GiveUpUploads(Task& task) {
  if (task.uploads.active()) Do(CancelUpload{task.key, task.uploads.active()->staged});
  for (const StagedId staged : task.uploads.Clear()) Do(DiscardStaged{task.key, staged});
}

void Agent::State::AppendFinal(Task& task) {
  FlushProgress(task);
  if (task.points_left_out > 0) {
    Say(task, std::to_string(task.points_left_out) + " metric points were left out");
  }
  FinalFact fact{.outcome = Classify(task.ending),
                 .step = task.last_step,
                 .time_ms = ToUnixMillis(now),
                 .running_ms = (task.running_until - task.started_at).count()};
  fact.log_tail.assign(task.log_tail.lines().begin(), task.log_tail.lines().end());
  Append(task, std::move(fact));
}

void Agent::State::SyncSpool() {
  sync_at = kNever;
  for (auto& [key, task] : tasks) {
    if (std::exchange(task.sync_wanted, false) && !task.dropped) Persist(SpoolSync{key});
  }
}

void Agent::State::Say(Task& task, std::string text) {
  Append(task, LogFact{.time_ms = ToUnixMillis(now),
                       .is_error_stream = true,
                       .text = "fusor-worker: " + std::move(text) + "\n"});
}

}  // namespace fusor::agent
