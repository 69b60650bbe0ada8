#include "tests/sim/oracle.h"

#include <algorithm>
#include <variant>

#include "coordinator/core/grid.h"

namespace fusor::sim {

namespace {

bool IsLive(const PutAttempt& attempt) {
  return attempt.state == AttemptState::kGranted || attempt.state == AttemptState::kRunning;
}

}  // namespace

std::string ToText(const TrialKey& key) {
  return std::to_string(key.sweep.value) + "." + std::to_string(key.stage) + "." +
         std::to_string(key.cell);
}

void Oracle::Fail(const std::string& oracle, const std::string& what) {
  if (failure_.empty()) failure_ = oracle + ": " + what;
}

void Oracle::OnCommit(std::span<const Write> writes) {
  for (const Write& write : writes) {
    const auto* row = std::get_if<PutTrial>(&write);
    if (row == nullptr) continue;
    // What is stored is consistent before it is replaced.
    const auto stored = state_.trials().find(row->key);
    if (stored != state_.trials().end()) CheckObjective(stored->second);
  }
  for (const Write& write : writes) {
    std::visit(
        [this](const auto& row) {
          using Row = std::decay_t<decltype(row)>;
          if constexpr (std::is_same_v<Row, PutSweep> || std::is_same_v<Row, PutAttempt> ||
                        std::is_same_v<Row, PutTrial> || std::is_same_v<Row, PutEvent> ||
                        std::is_same_v<Row, PutCursor>) {
            Check(row);
          }
        },
        write);
  }
}

// One slot, one attempt: freed only when the attempt holding it is over.
void Oracle::CheckSlots(const PutAttempt& row) {
  for (const auto& slot : row.slots) {
    const auto owner = slot_owner_.find(slot);
    if (IsLive(row)) {
      if (owner != slot_owner_.end() && owner->second != row.id) {
        Fail("one-slot-one-attempt", "slot " + std::to_string(slot.second) + " of worker " +
                                         std::to_string(slot.first.value) + " is held by attempt " +
                                         std::to_string(owner->second.value) + " and granted to " +
                                         std::to_string(row.id.value));
      }
      slot_owner_[slot] = row.id;
    } else if (owner != slot_owner_.end() && owner->second == row.id) {
      slot_owner_.erase(owner);
    }
  }
}

void Oracle::CheckInputsSucceeded(const PutAttempt& row) {
  const SweepSpec& spec = *specs_.at(row.trial.sweep);
  const StageSpec& stage = spec.stages[row.trial.stage];
  const Grid here(stage);
  for (const Need& need : stage.needs) {
    const Grid there(spec.stages[need.stage]);
    for (const std::uint64_t cell : InputsOf(here, need, there, row.trial.cell)) {
      const TrialKey input{.sweep = row.trial.sweep, .stage = need.stage, .cell = cell};
      const auto found = trials_.find(input);
      if (found == trials_.end() || found->second.state != TrialState::kSucceeded) {
        Fail("inputs-first", ToText(row.trial) + " was granted before its input " + ToText(input));
      }
    }
  }
}

void Oracle::CheckGrant(const PutAttempt& row) {
  if (row.id <= last_attempt_) Fail("attempt-ids-grow", ToText(row.trial));
  last_attempt_ = row.id;
  std::uint32_t& newest = newest_[row.trial];
  if (row.number != newest + 1) {
    Fail("attempt-numbers", ToText(row.trial) + " got number " + std::to_string(row.number) +
                                " after " + std::to_string(newest));
  }
  newest = row.number;
  for (const auto& [id, other] : attempts_) {
    if (other.trial == row.trial && id != row.id && IsLive(other)) {
      Fail("one-live-attempt", ToText(row.trial) + " has two");
    }
  }
  const auto trial = trials_.find(row.trial);
  if (trial != trials_.end() && trial->second.state == TrialState::kSucceeded) {
    Fail("success-is-final", ToText(row.trial) + " was granted after it had succeeded");
  }
  if (sweeps_[row.trial.sweep] != SweepState::kRunning) {
    Fail("only-running-sweeps-start", ToText(row.trial));
  }
  const SweepSpec& spec = *specs_.at(row.trial.sweep);
  int& running = running_[row.trial.sweep];
  ++running;
  if (spec.max_running > 0 && running > spec.max_running) {
    Fail("max-running", ToText(row.trial) + " is number " + std::to_string(running));
  }
  if (static_cast<int>(row.slots.size()) != spec.stages[row.trial.stage].resources.slots) {
    Fail("gang-all-or-nothing", ToText(row.trial));
  }
  CheckInputsSucceeded(row);
}

void Oracle::Check(const PutAttempt& row) {
  if (!specs_.contains(row.trial.sweep)) {
    Fail("known-sweep", ToText(row.trial));
    return;
  }
  const auto before = attempts_.find(row.id);
  CheckSlots(row);
  if (before == attempts_.end()) {
    CheckGrant(row);
  } else {
    if (before->second.state != row.state && !CanMove(before->second.state, row.state)) {
      Fail("legal-attempt-moves", ToText(row.trial));
    }
    if (IsLive(before->second) && !IsLive(row)) --running_[row.trial.sweep];
    if (!IsLive(before->second) && before->second.outcome == OutcomeKind::kSucceeded &&
        row.outcome != OutcomeKind::kSucceeded) {
      Fail("ended-stays", ToText(row.trial));
    }
  }
  attempts_[row.id] = row;
}

void Oracle::Check(const PutTrial& row) {
  const auto before = trials_.find(row.key);
  const bool was_succeeded =
      before != trials_.end() && before->second.state == TrialState::kSucceeded;
  if (was_succeeded && row.state != TrialState::kSucceeded) {
    Fail("success-is-final", ToText(row.key));
  }
  if (row.state == TrialState::kSucceeded && !was_succeeded && !newest_.contains(row.key)) {
    Fail("only-the-newest-finishes", ToText(row.key) + " succeeded without an attempt");
  }
  trials_[row.key] = row;
}

void Oracle::Check(const PutEvent& row) {
  if (row.id.value != last_event_.value + 1) {
    Fail("events-count-up",
         std::to_string(row.id.value) + " after " + std::to_string(last_event_.value));
  }
  last_event_ = row.id;
}

void Oracle::OnFact(AttemptId attempt, std::uint32_t rank, const Fact& fact) {
  if (std::holds_alternative<MetricsFact>(fact.body)) {
    metric_facts_[{attempt, rank}].insert(fact.number);
  }
}

// Does metrics.db hold every metric fact up to `number`?
bool Oracle::MetricsHold(AttemptId attempt, std::uint32_t rank, std::uint64_t number) const {
  const auto facts = metric_facts_.find({attempt, rank});
  if (facts == metric_facts_.end()) return true;
  auto after = facts->second.upper_bound(number);
  return after == facts->second.begin() || *--after <= metrics_.Cursor(attempt, rank);
}

void Oracle::Check(const PutCursor& row) {
  if (!MetricsHold(row.attempt, row.rank, row.number)) {
    Fail("metrics-before-state",
         "attempt " + std::to_string(row.attempt.value) + " at " + std::to_string(row.number));
  }
}

void Oracle::OnSend(const CoordinatorMessage& message) {
  if (const auto* ack = std::get_if<AckMessage>(&message)) {
    const auto cursor = state_.cursors().find({ack->attempt, ack->rank});
    const bool known = state_.attempts().contains(ack->attempt);
    const std::uint64_t state_at = cursor == state_.cursors().end() ? 0 : cursor->second;
    if (known && (!MetricsHold(ack->attempt, ack->rank, ack->number) || ack->number > state_at)) {
      Fail("acknowledged-is-stored", "attempt " + std::to_string(ack->attempt.value) + " fact " +
                                         std::to_string(ack->number));
    }
  }
  if (const auto* start = std::get_if<StartMessage>(&message)) {
    if (!state_.attempts().contains(start->attempt)) {
      Fail("persist-before-send", "attempt " + std::to_string(start->attempt.value));
    }
  }
}

void Oracle::OnSubmitAnswered(SweepId sweep) {
  if (!state_.sweeps().contains(sweep)) {
    Fail("acknowledged-is-stored", "sweep " + std::to_string(sweep.value));
  }
}

void Oracle::OnInputRead(const TrialKey& input, std::uint64_t state) {
  if (state != FinalState(plan_, input)) Fail("inputs-are-final", ToText(input));
}

// The series of a trial: each attempt's points up to where the next one took over.
void Oracle::CheckSeries(const PutTrial& trial) {
  std::map<std::uint32_t, const PutAttempt*> chain;
  for (const auto& [id, attempt] : state_.attempts()) {
    if (attempt.trial == trial.key) chain[attempt.number] = &attempt;
  }
  const std::int64_t steps = PlanOf(plan_, trial.key, 0).steps;
  std::int64_t end = steps;  // this attempt's share ends here
  for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
    const PutAttempt& attempt = *it->second;
    if (attempt.started == kNever) continue;  // it never said where it began
    const std::int64_t begin = std::max<std::int64_t>(attempt.resumed_from_step, 0);
    for (std::int64_t step = begin + 1; step <= end; ++step) {
      const auto point = metrics_.points().find({attempt.id, "train/loss", step});
      if (point == metrics_.points().end()) {
        Fail("series-complete", ToText(trial.key) + " lacks step " + std::to_string(step) +
                                    " in attempt " + std::to_string(attempt.number));
        return;
      }
      if (point->second.value != MetricAt(plan_, trial.key, step)) {
        Fail("series-true", ToText(trial.key) + " step " + std::to_string(step));
      }
    }
    end = std::min(end, begin);
  }
  if (end > 0) Fail("series-complete", ToText(trial.key) + " lacks its first steps");
}

// The best of what counts, and nothing that a later attempt has taken over.
void Oracle::CheckObjective(const PutTrial& trial) {
  bool any = false;
  double best = 0;
  for (const auto& [key, value] : state_.evaluations()) {
    const auto& [id, name, step] = key;
    const auto attempt = state_.attempts().find(id);
    if (attempt == state_.attempts().end() || attempt->second.trial != trial.key) continue;
    if (name != "val/loss" || !state_.Counts(attempt->second, step)) continue;
    best = any ? std::min(best, value) : value;
    any = true;
  }
  if (any != trial.has_objective || (any && best != trial.objective)) {
    Fail("objective-counts", ToText(trial.key) + " has " + std::to_string(trial.objective) +
                                 ", what counts is " + std::to_string(best));
  }
}

void Oracle::CheckEndOfTrial(const PutTrial& trial) {
  if (!IsTerminal(trial.state)) {
    Fail("everything-ends", ToText(trial.key) + " stays " + std::string(Name(trial.state)) + " (" +
                                trial.reason + ")");
  }
  CheckObjective(trial);
  if (trial.state != TrialState::kSucceeded) return;
  bool newest_succeeded = false;
  for (const auto& [id, attempt] : state_.attempts()) {
    if (attempt.trial != trial.key) continue;
    if (IsLive(attempt)) Fail("one-live-attempt", ToText(trial.key) + " still has one");
    newest_succeeded |= attempt.number == newest_[trial.key] &&
                        attempt.state == AttemptState::kEnded &&
                        attempt.outcome == OutcomeKind::kSucceeded;
  }
  // An earlier one may have been through when its trial was canceled; retried, the trial has
  // another.
  if (!newest_succeeded) Fail("only-the-newest-finishes", ToText(trial.key));
  CheckSeries(trial);
}

void Oracle::AtEnd(const std::map<std::string, std::uint64_t>& final_states) {
  for (const auto& [key, trial] : state_.trials()) CheckEndOfTrial(trial);
  for (const auto& [id, artifact] : state_.artifacts()) {
    if (artifact.file.name != "last/model") continue;
    const auto trial = state_.trials().find(artifact.trial);
    if (trial == state_.trials().end() || trial->second.state != TrialState::kSucceeded) continue;
    const auto content = final_states.find(artifact.file.sha256);
    if (content == final_states.end() || content->second != FinalState(plan_, artifact.trial)) {
      Fail("weights-as-undisturbed", ToText(artifact.trial));
    }
  }
}

}  // namespace fusor::sim
