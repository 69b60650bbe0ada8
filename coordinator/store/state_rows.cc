#include "coordinator/store/state_rows.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "common/base/outcome.h"
#include "coordinator/core/state.h"
#include "coordinator/store/json_list.h"
#include "coordinator/store/stored_real.h"

namespace fusor::rows {

const std::string_view kSweepColumns =
    "id, name, state, priority, max_running, releasing, submitted_ms, ended_ms, overrides,"
    " extra_seeds, fingerprints, source";
const std::string_view kTrialColumns =
    "sweep, stage, cell, state, attempts, crashes, losses, other_failures, failure, reason, "
    "threads,"
    " step, running_ms, limited_ms, has_objective, objective, objective_nonfinite, objective_step,"
    " precision_used, first_granted_ms, ended_ms, name, config_hash, params";
const std::string_view kAttemptColumns =
    "sweep, stage, cell, number, id, state, worker, slots, slot_count, outcome, failure, code,"
    " resumed_from_step, bit_exact, precision_used, granted_ms, started_ms, ended_ms,"
    " granted_because, detail, info, log_tail";
const std::string_view kEvaluationColumns =
    "sweep, stage, cell, attempt, step, name, epoch, value, nonfinite, time_ms";
const std::string_view kNotSuperseded =
    " AND NOT EXISTS (SELECT 1 FROM attempt AS later WHERE later.sweep = e.sweep"
    " AND later.stage = e.stage AND later.cell = e.cell AND later.id > e.attempt"
    " AND later.started_ms >= 0 AND later.resumed_from_step < e.step)";
const std::string_view kArtifactColumns =
    "id, attempt, sweep, stage, cell, kind, step, name, sha256, bytes, time_ms";
const std::string_view kEventColumns =
    "id, time_ms, kind, sweep, has_trial, stage, cell, attempt, worker, detail, reason";

namespace {

constexpr std::array<TrialState, kTrialStates> kTrialStateValues = {
    TrialState::kBlocked, TrialState::kReady,    TrialState::kRunning, TrialState::kSucceeded,
    TrialState::kFailed,  TrialState::kCanceled, TrialState::kSkipped};
constexpr std::array<AttemptState, 4> kAttemptStateValues = {
    AttemptState::kGranted, AttemptState::kRunning, AttemptState::kEnded, AttemptState::kLost};
constexpr std::array<SweepState, 4> kSweepStateValues = {
    SweepState::kRunning, SweepState::kPaused, SweepState::kFinished, SweepState::kCanceled};
constexpr std::array<std::string_view, 3> kOutcomeNames = {"succeeded", "failed", "released"};

Status Unknown(std::string_view what, std::string_view name) {
  return DataLoss("state.db holds the unknown " + std::string(what) + " '" + std::string(name) +
                  "'");
}

template <class State, std::size_t kCount>
Result<State> StateOf(const std::array<State, kCount>& values, std::string_view what,
                      std::string_view name) {
  for (const State value : values) {
    if (Name(value) == name) return value;
  }
  return Unknown(what, name);
}

// An attempt that has not ended has no outcome.
std::string_view OutcomeName(const PutAttempt& row) {
  if (row.state != AttemptState::kEnded) return "";
  return kOutcomeNames[static_cast<std::size_t>(row.outcome)];
}

Result<OutcomeKind> OutcomeOf(std::string_view name) {
  if (name.empty()) return OutcomeKind::kSucceeded;
  for (std::size_t i = 0; i < kOutcomeNames.size(); ++i) {
    if (kOutcomeNames[i] == name) return static_cast<OutcomeKind>(i);
  }
  return Unknown("outcome", name);
}

Result<Failure> FailureOf(std::string_view name) {
  const std::optional<Failure> failure = FailureFromName(name);
  if (failure) return *failure;
  return Unknown("failure", name);
}

// {"diverged":"1"}; nearly always empty.
std::string FailuresJson(const std::map<Failure, std::uint32_t>& failures) {
  if (failures.empty()) return "{}";
  std::map<std::string, std::string> pairs;
  for (const auto& [failure, count] : failures) {
    pairs.emplace(FailureName(failure), std::to_string(count));
  }
  return ToJson(pairs);
}

Result<std::map<Failure, std::uint32_t>> FailuresOf(std::string_view json) {
  std::map<Failure, std::uint32_t> failures;
  if (json == "{}") return failures;
  const Result<std::map<std::string, std::string>> pairs = PairsFromJson(json);
  if (!pairs.ok()) return pairs.status();
  for (const auto& [name, count] : *pairs) {
    const Result<Failure> failure = FailureOf(name);
    if (!failure.ok()) return failure.status();
    const Result<std::vector<std::int64_t>> number = NumbersFromJson(count);
    if (!number.ok()) return number.status();
    failures[*failure] = number->empty() ? 0 : static_cast<std::uint32_t>(number->front());
  }
  return failures;
}

// [[worker,slot],...]; the usual single slot needs no allocation.
std::string SlotsJson(const std::vector<std::pair<WorkerId, std::uint32_t>>& slots) {
  std::string json = "[";
  for (const auto& [worker, slot] : slots) {
    if (json.size() > 1) json += ',';
    json += '[';
    json += std::to_string(worker.value);
    json += ',';
    json += std::to_string(slot);
    json += ']';
  }
  json += ']';
  return json;
}

Result<std::vector<std::pair<WorkerId, std::uint32_t>>> SlotsOf(std::string_view json) {
  const Result<std::vector<std::int64_t>> numbers = NumbersFromJson(json);
  if (!numbers.ok()) return numbers.status();
  std::vector<std::pair<WorkerId, std::uint32_t>> slots;
  for (std::size_t i = 0; i + 1 < numbers->size(); i += 2) {
    slots.emplace_back(WorkerId{static_cast<std::uint64_t>((*numbers)[i])},
                       static_cast<std::uint32_t>((*numbers)[i + 1]));
  }
  return slots;
}

}  // namespace

std::string PutText(std::string_view table, std::string_view columns) {
  std::string text =
      "REPLACE INTO " + std::string(table) + " (" + std::string(columns) + ") VALUES (?";
  for (auto more = std::count(columns.begin(), columns.end(), ','); more > 0; --more) text += ",?";
  return text + ")";
}

Status Write(sql::Statement& statement, const PutSweep& row) {
  const std::string overrides = ToJson(row.overrides);
  const std::string extra_seeds = ToJson(row.extra_seeds);
  const std::string fingerprints = ToJson(row.fingerprints);
  return statement.Run(row.id.value, row.name, Name(row.state), row.priority, row.max_running,
                       row.releasing, ToUnixMillis(row.submitted), MillisOrNever(row.ended),
                       overrides, extra_seeds, fingerprints, row.source);
}

Result<PutSweep> ReadSweep(const sql::Statement& row) {
  sql::Columns columns(row);
  PutSweep sweep;
  sweep.id = {columns.Int<std::uint64_t>()};
  sweep.name = columns.Text();
  const Result<SweepState> state = StateOf(kSweepStateValues, "sweep state", columns.View());
  if (!state.ok()) return state.status();
  sweep.state = *state;
  sweep.priority = columns.Int<int>();
  sweep.max_running = columns.Int<int>();
  sweep.releasing = columns.Int() != 0;
  sweep.submitted = FromUnixMillis(columns.Int());
  sweep.ended = TimeOrNever(columns.Int());
  Result<std::vector<std::string>> overrides = TextsFromJson(columns.View());
  if (!overrides.ok()) return overrides.status();
  sweep.overrides = std::move(*overrides);
  Result<std::vector<std::int64_t>> seeds = NumbersFromJson(columns.View());
  if (!seeds.ok()) return seeds.status();
  sweep.extra_seeds = std::move(*seeds);
  Result<std::map<std::string, std::string>> fingerprints = PairsFromJson(columns.View());
  if (!fingerprints.ok()) return fingerprints.status();
  sweep.fingerprints = std::move(*fingerprints);
  sweep.source = columns.Text();
  return sweep;
}

Status Write(sql::Statement& statement, const PutTrial& row) {
  const StoredReal objective = ToStored(row.objective);
  const std::string other_failures = FailuresJson(row.other_failures);
  return statement.Run(row.key.sweep.value, row.key.stage, row.key.cell, Name(row.state),
                       row.attempts, row.crashes, row.losses, other_failures,
                       FailureName(row.failure), row.reason, row.threads, row.step, row.running_ms,
                       row.limited_ms, row.has_objective, objective.value,
                       static_cast<int>(objective.nonfinite), row.objective_step,
                       row.precision_used, MillisOrNever(row.first_granted),
                       MillisOrNever(row.ended), row.name, row.config_hash, row.params);
}

Result<PutTrial> ReadTrial(const sql::Statement& row) {
  sql::Columns columns(row);
  PutTrial trial;
  trial.key.sweep = {columns.Int<std::uint64_t>()};
  trial.key.stage = columns.Int<std::uint32_t>();
  trial.key.cell = columns.Int<std::uint64_t>();
  const Result<TrialState> state = TrialStateOf(columns.View());
  if (!state.ok()) return state.status();
  trial.state = *state;
  trial.attempts = columns.Int<std::uint32_t>();
  trial.crashes = columns.Int<std::uint32_t>();
  trial.losses = columns.Int<std::uint32_t>();
  Result<std::map<Failure, std::uint32_t>> others = FailuresOf(columns.View());
  if (!others.ok()) return others.status();
  trial.other_failures = std::move(*others);
  const Result<Failure> failure = FailureOf(columns.View());
  if (!failure.ok()) return failure.status();
  trial.failure = *failure;
  trial.reason = columns.Text();
  trial.threads = columns.Int<int>();
  trial.step = columns.Int();
  trial.running_ms = columns.Int();
  trial.limited_ms = columns.Int();
  trial.has_objective = columns.Int() != 0;
  const double objective = columns.Real();
  trial.objective = FromStored(objective, columns.Int());
  trial.objective_step = columns.Int();
  trial.precision_used = columns.Text();
  trial.first_granted = TimeOrNever(columns.Int());
  trial.ended = TimeOrNever(columns.Int());
  trial.name = columns.Text();
  trial.config_hash = columns.Text();
  trial.params = columns.Text();
  return trial;
}

Status Write(sql::Statement& statement, const PutAttempt& row) {
  const std::string slots = SlotsJson(row.slots);
  return statement.Run(row.trial.sweep.value, row.trial.stage, row.trial.cell, row.number,
                       row.id.value, Name(row.state), row.worker.value, slots, row.slots.size(),
                       OutcomeName(row), FailureName(row.failure), row.code, row.resumed_from_step,
                       row.bit_exact, row.precision_used, ToUnixMillis(row.granted),
                       MillisOrNever(row.started), MillisOrNever(row.ended), row.granted_because,
                       row.detail, row.info, row.log_tail);
}

Result<PutAttempt> ReadAttempt(const sql::Statement& row) {
  sql::Columns columns(row);
  PutAttempt attempt;
  attempt.trial.sweep = {columns.Int<std::uint64_t>()};
  attempt.trial.stage = columns.Int<std::uint32_t>();
  attempt.trial.cell = columns.Int<std::uint64_t>();
  attempt.number = columns.Int<std::uint32_t>();
  attempt.id = {columns.Int<std::uint64_t>()};
  const Result<AttemptState> state = StateOf(kAttemptStateValues, "attempt state", columns.View());
  if (!state.ok()) return state.status();
  attempt.state = *state;
  attempt.worker = {columns.Int<std::uint64_t>()};
  Result<std::vector<std::pair<WorkerId, std::uint32_t>>> slots = SlotsOf(columns.View());
  if (!slots.ok()) return slots.status();
  attempt.slots = std::move(*slots);
  columns.Skip();  // slot_count, for those who read SQL
  const Result<OutcomeKind> outcome = OutcomeOf(columns.View());
  if (!outcome.ok()) return outcome.status();
  attempt.outcome = *outcome;
  const Result<Failure> failure = FailureOf(columns.View());
  if (!failure.ok()) return failure.status();
  attempt.failure = *failure;
  attempt.code = columns.Int<int>();
  attempt.resumed_from_step = columns.Int();
  attempt.bit_exact = columns.Int() != 0;
  attempt.precision_used = columns.Text();
  attempt.granted = FromUnixMillis(columns.Int());
  attempt.started = TimeOrNever(columns.Int());
  attempt.ended = TimeOrNever(columns.Int());
  attempt.granted_because = columns.Text();
  attempt.detail = columns.Text();
  attempt.info = columns.Text();
  attempt.log_tail = columns.Text();
  return attempt;
}

Status Write(sql::Statement& statement, const PutArtifact& row) {
  return statement.Run(row.id.value, row.attempt.value, row.trial.sweep.value, row.trial.stage,
                       row.trial.cell, row.kind, row.step, row.file.name, row.file.sha256,
                       row.file.bytes, ToUnixMillis(row.time));
}

PutEvaluation ReadEvaluation(const sql::Statement& row) {
  sql::Columns columns(row);
  PutEvaluation evaluation;
  evaluation.trial.sweep = {columns.Int<std::uint64_t>()};
  evaluation.trial.stage = columns.Int<std::uint32_t>();
  evaluation.trial.cell = columns.Int<std::uint64_t>();
  evaluation.attempt = {columns.Int<std::uint64_t>()};
  evaluation.step = columns.Int();
  evaluation.name = columns.Text();
  evaluation.epoch = columns.Int();
  const double value = columns.Real();
  evaluation.value = FromStored(value, columns.Int());
  evaluation.time = FromUnixMillis(columns.Int());
  return evaluation;
}

PutArtifact ReadArtifact(const sql::Statement& row) {
  sql::Columns columns(row);
  PutArtifact artifact;
  artifact.id = {columns.Int<std::uint64_t>()};
  artifact.attempt = {columns.Int<std::uint64_t>()};
  artifact.trial.sweep = {columns.Int<std::uint64_t>()};
  artifact.trial.stage = columns.Int<std::uint32_t>();
  artifact.trial.cell = columns.Int<std::uint64_t>();
  artifact.kind = columns.Text();
  artifact.step = columns.Int();
  artifact.file.name = columns.Text();
  artifact.file.sha256 = columns.Text();
  artifact.file.bytes = columns.Int<std::uint64_t>();
  artifact.time = FromUnixMillis(columns.Int());
  return artifact;
}

Status Write(sql::Statement& statement, const PutEvent& row) {
  const SweepId sweep = row.has_trial ? row.trial.sweep : row.sweep;
  return statement.Run(row.id.value, ToUnixMillis(row.time), row.kind, sweep.value, row.has_trial,
                       row.has_trial ? row.trial.stage : 0, row.has_trial ? row.trial.cell : 0,
                       row.attempt.value, row.worker.value, row.detail, row.reason);
}

PutEvent ReadEvent(const sql::Statement& row) {
  sql::Columns columns(row);
  PutEvent event;
  event.id = {columns.Int<std::uint64_t>()};
  event.time = FromUnixMillis(columns.Int());
  event.kind = columns.Text();
  event.sweep = {columns.Int<std::uint64_t>()};
  event.has_trial = columns.Int() != 0;
  event.trial.stage = columns.Int<std::uint32_t>();
  event.trial.cell = columns.Int<std::uint64_t>();
  if (event.has_trial) event.trial.sweep = event.sweep;
  event.attempt = {columns.Int<std::uint64_t>()};
  event.worker = {columns.Int<std::uint64_t>()};
  event.detail = columns.Text();
  event.reason = columns.Text();
  return event;
}

Status Write(sql::Statement& statement, const PutEvaluation& row) {
  const StoredReal value = ToStored(row.value);
  return statement.Run(row.trial.sweep.value, row.trial.stage, row.trial.cell, row.attempt.value,
                       row.step, row.name, row.epoch, value.value,
                       static_cast<int>(value.nonfinite), ToUnixMillis(row.time));
}

Result<TrialState> TrialStateOf(std::string_view name) {
  return StateOf(kTrialStateValues, "trial state", name);
}

}  // namespace fusor::rows
