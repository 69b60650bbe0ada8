#include "coordinator/server/sweep_convert.h"

#include "coordinator/server/convert.h"
#include "coordinator/spec/file_check.h"

namespace fusor {

namespace {

template <class Out>
void AddCounts(const StateCounts& counts, Out& out) {
  for (int i = 0; i < kTrialStates; ++i) {
    const std::uint64_t count = counts[static_cast<std::size_t>(i)];
    if (count == 0) continue;
    v1::StateCount& to = *out.add_counts();
    to.set_state(ToWire(static_cast<TrialState>(i)));
    to.set_count(count);
  }
}

void AddStages(const SweepStatus& status, v1::Sweep& out) {
  for (std::size_t i = 0; i < status.model->grids.size(); ++i) {
    const StageSpec& stage = status.model->spec->stages[i];
    v1::StageStatus& to = *out.add_stages();
    to.set_name(stage.name);
    to.set_recipe(stage.recipe);
    to.set_cells(status.model->grids[i]->size());
    to.set_trials(status.model->grids[i]->TrialCount());
    AddCounts(status.counts[i], to);
    for (const Axis& axis : stage.axes) to.add_axes(axis.name);
    to.set_expectations(static_cast<std::uint32_t>(stage.expect.size()));
  }
}

}  // namespace

v1::Problem ToWire(const SpecProblem& problem) {
  v1::Problem out;
  const bool in_file = problem.origin.empty();
  out.set_line(in_file ? static_cast<std::uint32_t>(problem.line) : 0);
  out.set_column(in_file ? static_cast<std::uint32_t>(problem.column) : 0);
  out.set_path(problem.path);
  out.set_message(in_file ? problem.message : "--set " + problem.origin + ": " + problem.message);
  return out;
}

v1::Sweep ToWire(const SweepStatus& status) {
  v1::Sweep out;
  const PutSweep& row = status.row;
  out.set_id(row.id.value);
  out.set_name(row.name);
  out.set_state(ToWire(row.state));
  out.set_priority(row.priority);
  out.set_max_running(row.max_running);
  *out.mutable_submitted() = ToWire(row.submitted);
  if (row.ended != kNever) *out.mutable_ended() = ToWire(row.ended);
  AddStages(status, out);
  const StateCounts all = status.AllCounts();
  AddCounts(all, out);
  out.set_trials(status.model->TrialCount());
  out.set_running(static_cast<std::uint32_t>(all[static_cast<std::size_t>(TrialState::kRunning)]));
  out.set_objective_metric(status.model->spec->objective.metric);
  out.set_objective_maximize(status.model->spec->objective.maximize);
  out.set_slot_seconds(static_cast<double>(status.totals.slot_ms) / 1000);
  out.set_slot_utilisation(status.utilisation());
  if (status.best) {
    *out.mutable_best_trial() = ToWire(status.best->key);
    out.set_best_objective(status.best->objective);
  }
  return out;
}

v1::PlanResponse ToWire(const PlanReport& plan, const std::vector<FitReport>& fits) {
  v1::PlanResponse out;
  out.set_name(plan.name);
  out.set_trials(plan.trials);
  out.set_workers_asked(true);
  std::size_t fit = 0;
  for (const PlanReport::Stage& stage : plan.stages) {
    v1::PlannedStage& to = *out.add_stages();
    to.set_name(stage.name);
    to.set_recipe(stage.recipe);
    to.set_cells(stage.cells);
    to.set_trials(stage.trials);
    for (const std::string& need : stage.needs) to.add_needs(need);
    for (const PlanReport::Exclusion& excluded : stage.excluded) {
      v1::PlannedExclusion& exclusion = *to.add_exclusions();
      exclusion.set_rule(excluded.rule);
      exclusion.set_cells(excluded.cells);
    }
    for (const PlanReport::Class& each : stage.classes) {
      v1::PlannedClass& planned = *to.add_classes();
      planned.set_requirement(each.text);
      planned.set_trials(each.trials);
      const FitReport& report = fits[fit++];
      planned.set_workers_fitting(static_cast<std::uint32_t>(report.workers_fitting));
      planned.set_slots_fitting(static_cast<std::uint32_t>(report.slots_fitting));
      for (const std::string& worker : report.fitting) planned.add_fitting(worker);
      for (const std::string& missing : report.missing) planned.add_missing(missing);
    }
  }
  return out;
}

void AddFileChecks(const SweepSpec& sweep,
                   google::protobuf::RepeatedPtrField<v1::FileCheck>& checks) {
  for (const FileCheck& check : FileChecksOf(sweep)) {
    v1::FileCheck& to = *checks.Add();
    to.set_stage(check.stage);
    to.set_recipe(check.recipe);
    to.set_config(CanonicalConfig(check.values));
    for (const std::string& path : check.paths) to.add_paths(path);
  }
}

v1::ResultTable ToWire(const ResultsTable& table, SweepId sweep) {
  v1::ResultTable out;
  out.set_stage(table.name);
  for (const std::string& axis : table.axes) out.add_axes(axis);
  for (const std::string& metric : table.metrics) out.add_metrics(metric);
  for (const ResultsRow& row : table.rows) {
    v1::ResultRow& to = *out.add_rows();
    to.set_stage(table.name);
    for (const std::string& value : row.axis_values) to.add_axis_values(value);
    to.set_precision_used(row.precision_used);
    for (const ResultsValue& value : row.values) {
      v1::ResultValue& shown = *to.add_values();
      shown.set_metric(value.metric);
      shown.set_count(value.count);
      shown.set_mean(value.mean);
      shown.set_spread(value.spread);
      shown.set_min(value.min);
      shown.set_max(value.max);
      shown.set_interval(value.interval);
    }
    to.set_succeeded(row.succeeded);
    to.set_failed(row.failed);
    to.set_open(row.open);
    *to.mutable_running() = DurationToWire(row.running_ms);
    for (const std::uint64_t cell : row.cells) {
      *to.add_trials() = ToWire(TrialKey{sweep, table.stage, cell});
    }
  }
  return out;
}

v1::ExpectationResult ToWire(const ExpectationResult& result, SweepId sweep) {
  v1::ExpectationResult out;
  out.set_stage(result.stage);
  out.set_metric(result.metric);
  out.set_condition(result.condition);
  out.set_met(result.met);
  out.set_missed(result.missed);
  out.set_open(result.open);
  v1::ResultTable rows = ToWire(result.missed_rows, sweep);
  out.mutable_missed_rows()->Swap(rows.mutable_rows());
  out.mutable_axes()->Swap(rows.mutable_axes());
  return out;
}

}  // namespace fusor
