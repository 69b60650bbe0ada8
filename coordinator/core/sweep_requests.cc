// What clients ask of sweeps and trials.

#include <algorithm>

#include "common/base/count.h"
#include "common/base/limits.h"
#include "coordinator/core/attempts.h"
#include "coordinator/core/requests.h"
#include "coordinator/core/stage_failure.h"
#include "coordinator/core/sweeps.h"
#include "coordinator/core/trials.h"
#include "coordinator/core/waiting.h"

namespace fusor::core {

namespace {

Sweep* FindSweep(World& world, SweepId id) {
  const auto found = world.sweeps.find(id);
  return found == world.sweeps.end() ? nullptr : found->second.get();
}

Status NoSweep(SweepId id) { return NotFound("no sweep " + std::to_string(id.value)); }

// The sweep, if it is in one of the states; else the reply has gone out.
Sweep* Expect(Turn& turn, const Request& request, SweepId id,
              std::initializer_list<SweepState> states) {
  Sweep* sweep = FindSweep(turn.world, id);
  if (sweep == nullptr) {
    Finish(turn, request, {NoSweep(id)});
    return nullptr;
  }
  if (std::find(states.begin(), states.end(), sweep->row.state) != states.end()) return sweep;
  Finish(turn, request,
         {FailedPrecondition("sweep " + std::to_string(id.value) + " is " +
                             std::string(Name(sweep->row.state)))});
  return nullptr;
}

std::uint64_t CountTrials(const Sweep& sweep) {
  std::uint64_t trials = 0;
  for (const auto& stage : sweep.stages) trials += stage->grid->TrialCount();
  return trials;
}

std::vector<Attempt*> AttemptsOf(const Sweep& sweep) {
  std::vector<Attempt*> attempts;
  if (sweep.running == 0) return attempts;
  for (const auto& stage : sweep.stages) {
    for (const auto& [cell, trial] : stage->trials) {
      if (trial->current != nullptr) attempts.push_back(trial->current);
    }
  }
  return attempts;
}

Status CheckSet(const SetSweep& set) {
  if (set.priority && (*set.priority < 1 || *set.priority > 99)) {
    return InvalidArgument("priority must be 1 to 99, not " + std::to_string(*set.priority));
  }
  if (set.max_running && *set.max_running < 0) {
    return InvalidArgument("max_running must be 0 (no limit) or more, not " +
                           std::to_string(*set.max_running));
  }
  return Ok();
}

// Unknown trials refuse the whole request.
Status CheckTrials(const World& world, const std::vector<TrialKey>& trials) {
  for (const TrialKey& key : trials) {
    const Stage* stage = FindStage(world, key);
    if (stage == nullptr) {
      return NotFound("no stage " + std::to_string(key.stage) + " in sweep " +
                      std::to_string(key.sweep.value));
    }
    if (!stage->grid->IsTrial(key.cell)) return NotFound("no trial " + TextOf(key, *stage));
  }
  return Ok();
}

std::vector<Trial*> RetriedTrials(Sweep& sweep, const RetryTrials& retry, bool canceled_too) {
  std::vector<Trial*> trials;
  for (const TrialKey& key : retry.trials) {
    Trial* trial = FindTrial(*sweep.stages[key.stage], key.cell);
    if (trial != nullptr) trials.push_back(trial);
  }
  if (!retry.trials.empty()) return trials;
  for (const auto& stage : sweep.stages) {
    for (const auto& [cell, trial] : stage->trials) {
      const TrialState state = trial->row.state;
      if (state == TrialState::kFailed || (canceled_too && state == TrialState::kCanceled)) {
        trials.push_back(trial.get());
      }
    }
  }
  return trials;
}

Status CheckRetry(const Sweep& sweep, const RetryTrials& retry) {
  if (sweep.row.state == SweepState::kCanceled && !retry.trials.empty()) {
    const std::string id = std::to_string(sweep.row.id.value);
    return FailedPrecondition("sweep " + id + " is canceled; retry it as a whole: `fusor retry " +
                              id + "`");
  }
  for (const TrialKey& key : retry.trials) {
    if (key.sweep != sweep.row.id) return InvalidArgument("trials of one sweep at a time");
    const Stage& stage = *sweep.stages[key.stage];
    const TrialState state = StateOf(stage, key.cell);
    const std::string trial = TextOf(key, stage);
    if (state == TrialState::kCanceled && FindTrial(stage, key.cell) == nullptr) {
      return FailedPrecondition(trial + " was canceled because " + stage.failed +
                                "; retry those: `fusor retry " +
                                std::to_string(sweep.row.id.value) + "`");
    }
    if (state == TrialState::kFailed || state == TrialState::kCanceled) continue;
    if (state == TrialState::kSkipped) {
      return FailedPrecondition(trial + " was skipped; retry the trials it needs: `fusor explain " +
                                trial + "` names them");
    }
    return FailedPrecondition(trial + " is " + std::string(Name(state)));
  }
  return Ok();
}

}  // namespace

void OnSubmit(Turn& turn, const SubmitSweep& submit) {
  if (AnswerRepeat(turn, submit.request)) return;
  World& world = turn.world;
  if (submit.spec == nullptr || submit.spec->stages.empty()) {
    Finish(turn, submit.request, {InvalidArgument("a sweep needs a stage")});
    return;
  }
  if (world.open_sweeps >= limits::kSweepsOpenMax) {
    Finish(turn, submit.request,
           {ResourceExhausted("there are " + CountOf(world.open_sweeps, "open sweep") +
                              ", the most this coordinator takes")});
    return;
  }
  PutSweep row{.id = SweepId{++world.last_sweep.value},
               .name = submit.spec->name,
               .source = submit.source,
               .overrides = submit.overrides,
               .priority = submit.spec->priority,
               .max_running = submit.spec->max_running,
               .submitted = turn.now,
               .ended = kNever};
  const Sweep& sweep = AddSweep(world, row, submit.spec);
  const std::uint64_t trials = CountTrials(sweep);
  turn.Write(std::move(row));
  turn.Happened({.kind = "sweep_submitted",
                 .sweep = sweep.row.id,
                 .detail = CountOf(trials, "trial"),
                 .reason = "by request"});
  Finish(turn, submit.request, {Ok(), sweep.row.id, trials});
}

void OnCancelSweep(Turn& turn, const CancelSweep& cancel) {
  if (AnswerRepeat(turn, cancel.request)) return;
  Sweep* sweep = Expect(turn, cancel.request, cancel.sweep,
                        {SweepState::kRunning, SweepState::kPaused, SweepState::kCanceled});
  if (sweep == nullptr) return;
  std::uint64_t count = 0;
  if (sweep->row.state != SweepState::kCanceled) {
    count = CancelWhole(turn, *sweep, cancel.reason.empty() ? "by request" : cancel.reason);
  }
  Finish(turn, cancel.request, {Ok(), cancel.sweep, count});
}

void OnPause(Turn& turn, const PauseSweep& pause) {
  if (AnswerRepeat(turn, pause.request)) return;
  Sweep* sweep =
      Expect(turn, pause.request, pause.sweep, {SweepState::kRunning, SweepState::kPaused});
  if (sweep == nullptr) return;
  const bool newly = sweep->row.state == SweepState::kRunning;
  const std::vector<Attempt*> running = AttemptsOf(*sweep);
  sweep->row.releasing = sweep->row.releasing || pause.now;
  if (newly) {
    MoveSweep(turn, *sweep, SweepState::kPaused, pause.now ? "by request, at once" : "by request");
  } else if (pause.now) {
    turn.Write(sweep->row);
    turn.Happened({.kind = "sweep_set",
                   .sweep = pause.sweep,
                   .detail = "what runs is released",
                   .reason = "by request"});
  }
  if (pause.now) {
    for (Attempt* attempt : running) {
      StopAttempt(turn, *attempt, {StopMode::kCheckpointAndStop, "the sweep is paused"});
    }
  }
  Finish(turn, pause.request, {Ok(), pause.sweep, pause.now ? running.size() : 0});
}

void OnResume(Turn& turn, const ResumeSweep& resume) {
  if (AnswerRepeat(turn, resume.request)) return;
  Sweep* sweep =
      Expect(turn, resume.request, resume.sweep, {SweepState::kRunning, SweepState::kPaused});
  if (sweep == nullptr) return;
  if (sweep->row.state == SweepState::kPaused) {
    MoveSweep(turn, *sweep, SweepState::kRunning, "resumed by request");
  }
  Finish(turn, resume.request, {Ok(), resume.sweep});
}

void OnSet(Turn& turn, const SetSweep& set) {
  if (AnswerRepeat(turn, set.request)) return;
  if (Status status = CheckSet(set); !status.ok()) {
    Finish(turn, set.request, {std::move(status)});
    return;
  }
  Sweep* sweep = FindSweep(turn.world, set.sweep);
  if (sweep == nullptr) {
    Finish(turn, set.request, {NoSweep(set.sweep)});
    return;
  }
  sweep->row.priority = set.priority.value_or(sweep->row.priority);
  sweep->row.max_running = set.max_running.value_or(sweep->row.max_running);
  turn.Write(sweep->row);
  turn.Happened({.kind = "sweep_set",
                 .sweep = set.sweep,
                 .detail = "priority " + std::to_string(sweep->row.priority) + ", max_running " +
                           std::to_string(sweep->row.max_running),
                 .reason = "by request"});
  NoteReordered(turn.world, *sweep);
  Finish(turn, set.request, {Ok(), set.sweep});
}

void OnExtend(Turn& turn, const ExtendSweep& extend) {
  if (AnswerRepeat(turn, extend.request)) return;
  Sweep* sweep = Expect(turn, extend.request, extend.sweep,
                        {SweepState::kRunning, SweepState::kPaused, SweepState::kFinished});
  if (sweep == nullptr) return;
  if (extend.spec == nullptr || extend.spec->stages.size() != sweep->stages.size()) {
    Finish(turn, extend.request, {InvalidArgument("an extension keeps the sweep's stages")});
    return;
  }
  if (extend.seeds_before && *extend.seeds_before != sweep->row.extra_seeds.size()) {
    Finish(turn, extend.request, {Unavailable("the sweep was extended meanwhile; try again")});
    return;
  }
  const std::uint64_t before = CountTrials(*sweep);
  auto& seeds = sweep->row.extra_seeds;
  seeds.insert(seeds.end(), extend.seeds.begin(), extend.seeds.end());
  ReplaceSpec(turn, *sweep, extend.spec);
  const std::uint64_t added = CountTrials(*sweep) - before;
  if (sweep->row.state == SweepState::kFinished && added > 0) {
    MoveSweep(turn, *sweep, SweepState::kRunning, "extended by request");
  } else {
    turn.Write(sweep->row);
  }
  turn.Happened({.kind = "sweep_extended",
                 .sweep = extend.sweep,
                 .detail = CountOf(added, "trial") + " more",
                 .reason = "by request"});
  Finish(turn, extend.request, {Ok(), extend.sweep, added});
}

void OnDelete(Turn& turn, const DeleteSweep& remove) {
  if (AnswerRepeat(turn, remove.request)) return;
  Sweep* sweep =
      Expect(turn, remove.request, remove.sweep, {SweepState::kFinished, SweepState::kCanceled});
  if (sweep == nullptr) return;
  const Outcome outcome{OutcomeKind::kFailed, Failure::kCanceled, 0, "its sweep was removed"};
  for (Attempt* attempt : AttemptsOf(*sweep)) {
    CloseAttempt(turn, *attempt, {AttemptState::kEnded, outcome, ""});
  }
  LeaveQueues(turn.world, *sweep);
  turn.Write(RemoveSweep{remove.sweep});
  turn.Happened({.kind = "sweep_removed",
                 .sweep = remove.sweep,
                 .detail = sweep->row.name,
                 .reason = "by request"});
  turn.world.sweeps.erase(remove.sweep);
  Finish(turn, remove.request, {Ok(), remove.sweep});
}

void OnRetry(Turn& turn, const RetryTrials& retry) {
  if (AnswerRepeat(turn, retry.request)) return;
  Sweep* sweep = FindSweep(turn.world, retry.sweep);
  Status status = sweep == nullptr ? NoSweep(retry.sweep) : CheckTrials(turn.world, retry.trials);
  if (status.ok()) status = CheckRetry(*sweep, retry);
  if (!status.ok()) {
    Finish(turn, retry.request, {std::move(status)});
    return;
  }
  const bool canceled = sweep->row.state == SweepState::kCanceled;
  if (canceled) Uncancel(turn, *sweep);
  std::uint64_t count = 0;
  for (Trial* trial : RetriedTrials(*sweep, retry, canceled)) {
    if (ReviveTrial(turn, *trial)) ++count;
  }
  for (const auto& stage : sweep->stages) ReopenStage(turn, *stage);
  if (count > 0 && sweep->row.state == SweepState::kFinished) {
    MoveSweep(turn, *sweep, SweepState::kRunning, "trials are retried by request");
  }
  NoteMayHaveFinished(turn.world, *sweep);
  Finish(turn, retry.request, {Ok(), retry.sweep, count});
}

void OnCancelTrials(Turn& turn, const CancelTrials& cancel) {
  if (AnswerRepeat(turn, cancel.request)) return;
  if (Status status = CheckTrials(turn.world, cancel.trials); !status.ok()) {
    Finish(turn, cancel.request, {std::move(status)});
    return;
  }
  std::uint64_t count = 0;
  for (const TrialKey& key : cancel.trials) {
    Stage& stage = *FindStage(turn.world, key);
    if (IsTerminal(StateOf(stage, key.cell))) continue;
    Trial& trial = RecordOf(stage, key.cell);
    if (trial.row.config_hash.empty()) trial.row.config_hash = ConfigHash(stage, key.cell);
    if (CancelTrial(turn, trial, "by request")) ++count;
  }
  const SweepId sweep = cancel.trials.empty() ? SweepId{} : cancel.trials.front().sweep;
  Finish(turn, cancel.request, {Ok(), sweep, count});
}

}  // namespace fusor::core
