#include "coordinator/server/results_read.h"

#include <utility>

#include "coordinator/server/trial_listing.h"
#include "coordinator/server/trial_text.h"

namespace fusor {

namespace {

constexpr std::size_t kRowsPerRead = 5'000;

Result<std::vector<ResultsTrial>> ReadTrials(StateReader& reader, SweepId sweep) {
  std::vector<ResultsTrial> trials;
  TrialQuery query;
  query.sweep = sweep;
  query.limit = kRowsPerRead;
  for (;;) {
    Result<std::vector<PutTrial>> rows = reader.ListTrials(query);
    if (!rows.ok()) return rows.status();
    for (PutTrial& row : *rows) {
      trials.push_back(
          {{row.key.stage, row.key.cell}, std::move(row.precision_used), row.running_ms});
    }
    if (rows->size() < kRowsPerRead) return trials;
    query.after = trials.back().position;
  }
}

}  // namespace

Result<std::vector<ResultsTable>> ReadResults(const Edge& edge, const SweepStatus& status,
                                              ResultsScope scope) {
  const SweepModel& model = *status.model;
  Result<Filter> filter = ParseFilter(scope.where);
  if (!filter.ok()) return filter.status();
  RETURN_IF_ERROR(CheckFilter(*filter, *model.spec));
  if (scope.metrics.empty()) scope.metrics = model.spec->report_columns;
  if (scope.metrics.empty()) scope.metrics = {model.spec->objective.metric};
  std::vector<std::uint32_t> stages;
  if (scope.stage.empty()) {
    for (std::uint32_t i = 0; i < model.grids.size(); ++i) stages.push_back(i);
  } else {
    const Result<std::uint32_t> stage = FindStage(model.stage_names, scope.stage);
    if (!stage.ok()) return stage.status();
    stages.push_back(*stage);
  }
  const SweepId sweep = status.row.id;
  const Result<std::vector<ResultsTrial>> trials = ReadTrials(*edge.readers->state, sweep);
  if (!trials.ok()) return trials.status();
  const Result<std::vector<TrialValue>> values =
      edge.readers->state->ResultValues(sweep, scope.metrics);
  if (!values.ok()) return values.status();
  std::vector<ResultsTable> tables;
  for (const std::uint32_t stage : stages) {
    const auto states = StatesOf(edge, sweep, model, stage);
    if (!states.ok()) return states.status();
    tables.push_back(
        MakeResults({&model, stage, &*filter, scope.metrics, &*states, &*trials, &*values}));
  }
  return tables;
}

}  // namespace fusor
