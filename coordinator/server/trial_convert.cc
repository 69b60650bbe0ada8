#include "coordinator/server/trial_convert.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "common/base/outcome.h"
#include "common/text/json.h"
#include "coordinator/server/convert.h"
#include "coordinator/server/trial_text.h"

namespace fusor {

namespace {

std::string OutcomeText(const PutAttempt& attempt) {
  if (attempt.state == AttemptState::kLost) return "lost";
  if (attempt.state != AttemptState::kEnded) return "";
  switch (attempt.outcome) {
    case OutcomeKind::kSucceeded:
      return "succeeded";
    case OutcomeKind::kReleased:
      return "released";
    case OutcomeKind::kFailed:
      return std::string(FailureName(attempt.failure));
  }
  return "";
}

void AddLines(const std::string& text, v1::Attempt& out) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) out.add_log_tail(Utf8(line));
}

void AddInfo(const std::string& info, v1::Attempt& out) {
  const Result<Json> json = ParseJson(info);
  if (!json.ok()) return;
  for (const Json::Member& member : json->members) {
    (*out.mutable_info())[member.name] = member.value.text;
  }
}

void AddRow(const PutTrial& row, v1::Trial& out) {
  if (row.failure != Failure::kNone) out.set_failure(std::string(FailureName(row.failure)));
  out.set_reason(row.reason);
  out.set_config_hash(row.config_hash);
  out.set_attempts(row.attempts);
  out.set_step(row.step);
  out.set_has_objective(row.has_objective);
  out.set_objective(row.objective);
  out.set_objective_step(row.objective_step);
  *out.mutable_running() = DurationToWire(row.running_ms);
  out.set_precision_used(row.precision_used);
  if (row.first_granted != kNever) *out.mutable_first_granted() = ToWire(row.first_granted);
  if (row.ended != kNever) *out.mutable_ended() = ToWire(row.ended);
}

}  // namespace

std::vector<std::string> AxesOf(const SweepModel& model) {
  std::vector<std::string> axes;
  for (const StageSpec& stage : model.spec->stages) {
    for (const Axis& axis : stage.axes) {
      if (std::find(axes.begin(), axes.end(), axis.name) == axes.end()) axes.push_back(axis.name);
    }
  }
  return axes;
}

v1::Trial ToWire(SweepId sweep, const SweepModel& model, const ListedTrial& trial,
                 const std::vector<std::string>& axes) {
  v1::Trial out;
  const auto [stage, cell] = trial.position;
  const Grid& grid = model.grid(stage);
  const StageSpec& spec = grid.stage();
  *out.mutable_ref() = ToWire(TrialKey{sweep, stage, cell});
  out.set_id(TrialIdText(sweep, spec.name, cell));
  out.set_name(grid.NameOf(cell));
  out.set_stage(spec.name);
  out.set_state(ToWire(trial.state));
  for (const auto& [name, value] : grid.ParamsOf(cell)) {
    (*out.mutable_params())[name] = DisplayText(value);
  }
  for (const std::string& name : axes) {
    const auto found = std::find_if(spec.axes.begin(), spec.axes.end(),
                                    [&](const Axis& axis) { return axis.name == name; });
    out.add_axis_values(
        found == spec.axes.end()
            ? ""
            : DisplayText(grid.ValueAt(cell, static_cast<std::size_t>(found - spec.axes.begin()))));
  }
  if (trial.row) AddRow(*trial.row, out);
  return out;
}

v1::Attempt ToWire(const PutAttempt& attempt, const std::string& worker) {
  v1::Attempt out;
  out.set_id(attempt.id.value);
  out.set_number(attempt.number);
  out.set_state(std::string(Name(attempt.state)));
  out.set_outcome(OutcomeText(attempt));
  out.set_detail(attempt.detail);
  out.set_worker(worker);
  for (const auto& [id, slot] : attempt.slots) out.add_slots(slot);
  out.set_resumed_from_step(attempt.resumed_from_step);
  out.set_bit_exact(attempt.bit_exact);
  out.set_precision_used(attempt.precision_used);
  AddInfo(attempt.info, out);
  AddLines(attempt.log_tail, out);
  out.set_granted_because(attempt.granted_because);
  *out.mutable_granted() = ToWire(attempt.granted);
  if (attempt.started != kNever) *out.mutable_started() = ToWire(attempt.started);
  if (attempt.ended != kNever) *out.mutable_ended() = ToWire(attempt.ended);
  return out;
}

v1::Series ToWire(const SeriesSummary& summary) {
  v1::Series out;
  out.set_name(summary.name);
  out.set_points(summary.points);
  out.set_last_step(summary.last_step);
  out.set_last(summary.last);
  out.set_min(summary.min);
  out.set_max(summary.max);
  return out;
}

v1::Points ToWire(const PointColumns& column, const AttemptNumbers& numbers) {
  v1::Points out;
  out.set_name(column.name);
  const bool all_finite = std::all_of(column.values.begin(), column.values.end(),
                                      [](double value) { return std::isfinite(value); });
  for (std::size_t i = 0; i < column.steps.size(); ++i) {
    const double value = column.values[i];
    out.add_steps(column.steps[i]);
    out.add_values(std::isfinite(value) ? value : 0);
    if (!all_finite) out.add_nonfinite(NonfiniteOf(value));
    out.add_time_ms(column.times_ms[i]);
    const auto number = numbers.find(column.attempts[i]);
    out.add_attempt_numbers(number == numbers.end() ? 0 : number->second);
  }
  return out;
}

v1::LogLine ToWire(const LogRow& row, const SweepModel& model, std::uint32_t attempt_number) {
  v1::LogLine out;
  out.set_cursor(row.cursor);
  *out.mutable_trial() = ToWire(row.trial);
  if (row.trial.stage < model.grids.size()) {
    out.set_trial_name(model.grid(row.trial.stage).NameOf(row.trial.cell));
  }
  out.set_attempt_number(attempt_number);
  *out.mutable_time() = ToWire(FromUnixMillis(row.time_ms));
  out.set_is_error_stream(row.is_error_stream);
  out.set_text(row.text);
  return out;
}

}  // namespace fusor
