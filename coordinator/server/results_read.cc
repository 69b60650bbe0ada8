#include "coordinator/server/results_read.h"

#include <set>
#include <string>
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

// What tables, gains and expectations of these stages are made of, each name once.
std::vector<std::string> MetricsToRead(const SweepSpec& spec,
                                       const std::vector<std::uint32_t>& stages,
                                       const std::vector<std::string>& shown) {
  std::set<std::string> names(shown.begin(), shown.end());
  for (const std::uint32_t stage : stages) {
    for (const Expectation& expectation : spec.stages[stage].expect) {
      names.insert(expectation.metric);
    }
    const Recipe* recipe = FindRecipe(spec.stages[stage].recipe);
    if (recipe == nullptr || !recipe->gain) continue;
    for (std::string& name : GainMetrics(*recipe->gain)) names.insert(std::move(name));
  }
  return {names.begin(), names.end()};
}

}  // namespace

Result<SweepResults> ReadResults(const Edge& edge, const SweepStatus& status, ResultsScope scope) {
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
      edge.readers->state->ResultValues(sweep, MetricsToRead(*model.spec, stages, scope.metrics));
  if (!values.ok()) return values.status();
  const Filter everything;
  SweepResults results;
  for (const std::uint32_t stage : stages) {
    const auto states = StatesOf(edge, sweep, model, stage);
    if (!states.ok()) return states.status();
    ResultsQuestion question{&model, stage, &*filter, scope.metrics, &*states, &*trials, &*values};
    results.tables.push_back(MakeResults(question));
    const StageSpec& spec = model.spec->stages[stage];
    const Recipe* recipe = FindRecipe(spec.recipe);
    if (recipe != nullptr && recipe->gain) {
      results.gains.push_back(MakeGains(question, *recipe->gain));
    }
    question.filter = &everything;
    for (const Expectation& expectation : spec.expect) {
      results.expectations.push_back(CheckExpectation(question, expectation));
    }
  }
  std::erase_if(results.gains, [](const ResultsTable& table) { return table.rows.empty(); });
  return results;
}

}  // namespace fusor
