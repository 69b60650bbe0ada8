#include "coordinator/core/outcomes.h"

#include <algorithm>

#include "coordinator/core/checkpoints.h"
#include "coordinator/core/quarantine.h"
#include "coordinator/core/retry_policy.h"
#include "coordinator/core/stage_failure.h"
#include "coordinator/core/trials.h"
#include "coordinator/core/waiting.h"

namespace fusor::core {

namespace {

void Again(Turn& turn, Trial& trial, const RetryDecision& decision, const MoveCause& cause) {
  trial.ready_at = turn.now + decision.wait;
  MoveTrial(turn, trial, TrialState::kReady, cause);
  if (decision.wait > Duration::zero()) {
    AddDelayed(turn.world, trial);
  } else {
    AddReady(turn.world, *trial.stage, trial.row.key.cell);
  }
}

void Fail(Turn& turn, Trial& trial, Failure failure, const MoveCause& cause) {
  trial.row.failure = failure;
  MoveTrial(turn, trial, TrialState::kFailed, cause);
  CheckStage(turn, *trial.stage);
}

void Failed(Turn& turn, Trial& trial, const TrialEnd& end, const MoveCause& cause) {
  const RetryDecision decision =
      DecideRetry(trial.stage->spec->retry, end.outcome, end.not_started, trial.row);
  const MoveCause why{decision.reason, cause.attempt, cause.worker};
  if (!decision.again) {
    Fail(turn, trial, end.outcome.failure, why);
    return;
  }
  // A retry after a time-out is given the whole time again.
  if (end.outcome.failure == Failure::kTimedOut) trial.row.limited_ms = 0;
  if (decision.elsewhere && cause.worker) trial.avoid.push_back(cause.worker);
  Again(turn, trial, decision, why);
}

void Released(Turn& turn, Trial& trial, const std::string& reason, const MoveCause& cause) {
  const Duration limit = trial.stage->spec->time_limit;
  if (limit > Duration::zero() && Duration(trial.row.limited_ms) >= limit) {
    Fail(turn, trial, Failure::kTimedOut,
         {"its time limit was used up when it was released", cause.attempt, cause.worker});
    return;
  }
  Again(turn, trial, {.again = true},
        {"released at a checkpoint: " + reason, cause.attempt, cause.worker});
}

// An abort that was not ours, say by the agent's own shutdown, is a loss.
Outcome Meaning(const Attempt& attempt, const Outcome& outcome) {
  if (outcome.kind != OutcomeKind::kFailed) return outcome;
  Outcome meant = outcome;
  if (outcome.failure == Failure::kNone) meant.failure = Failure::kCrashedExit;
  if (outcome.failure != Failure::kCanceled) return meant;
  if (!attempt.stop) {
    meant.failure = Failure::kLost;
  } else if (*attempt.stop == StopMode::kAbort) {
    meant.failure = attempt.stop_failure;
    meant.detail = attempt.stop_reason;
  } else {
    // It had no time left for another checkpoint.
    meant = {.kind = OutcomeKind::kReleased, .detail = outcome.detail};
  }
  return meant;
}

}  // namespace

void EndAttempt(Turn& turn, Attempt& attempt, const TrialEnd& end) {
  Trial& trial = *attempt.trial;
  TrialEnd meant = end;
  meant.outcome = Meaning(attempt, end.outcome);
  const MoveCause cause{meant.outcome.detail, attempt.row.id, end.worker};
  const std::string stop_reason = attempt.stop_reason;
  trial.row.step = std::max(trial.row.step, end.step);
  trial.row.running_ms += end.running.count();
  trial.row.limited_ms += end.running.count();
  if (meant.outcome.kind == OutcomeKind::kFailed) {
    JudgeSlot(turn, attempt, {end.rank, meant.outcome.failure, end.running, end.not_started});
    if (IsCrash(meant.outcome.failure)) BlameCheckpoint(turn, trial, attempt, end.running);
  } else if (meant.outcome.kind == OutcomeKind::kSucceeded) {
    AcquitSlots(turn, attempt);
  }
  CloseAttempt(turn, attempt, {end.state, meant.outcome, end.log_tail});
  if (IsTerminal(trial.row.state)) {
    turn.Write(trial.row);
    return;
  }
  switch (meant.outcome.kind) {
    case OutcomeKind::kSucceeded:
      MoveTrial(turn, trial, TrialState::kSucceeded,
                {"its process reported success", cause.attempt, cause.worker});
      ShrinkTrial(trial);
      return;
    case OutcomeKind::kReleased:
      Released(turn, trial, stop_reason.empty() ? "its worker let go" : stop_reason, cause);
      return;
    case OutcomeKind::kFailed:
      Failed(turn, trial, meant, cause);
      return;
  }
}

void LoseAttempt(Turn& turn, Attempt& attempt, const std::string& reason) {
  const Outcome outcome{.kind = OutcomeKind::kFailed, .failure = Failure::kLost, .detail = reason};
  // It may have run until it was heard of last; nobody knows about later.
  const bool began = attempt.row.state == AttemptState::kRunning;
  EndAttempt(turn, attempt,
             {.state = AttemptState::kLost,
              .outcome = outcome,
              .step = attempt.trial->row.step,
              .running = began ? RunningTime(attempt, attempt.heard) : Duration(0),
              .worker = attempt.row.worker});
}

}  // namespace fusor::core
