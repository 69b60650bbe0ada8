#include "coordinator/server/gains.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

namespace fusor {

namespace {

constexpr double kPoints = 100;
constexpr std::size_t kMissedShown = 10;

// Of one trial.
struct Parted {
  std::optional<double> whole;
  std::vector<double> parts;
};

}  // namespace

std::vector<std::string> GainMetrics(const GainInfo& gain) {
  std::vector<std::string> metrics = gain.parts;
  metrics.push_back(gain.whole);
  return metrics;
}

ResultsTable MakeGains(ResultsQuestion question, const GainInfo& gain) {
  std::map<TrialPosition, Parted> trials;
  for (const TrialValue& value : *question.values) {
    if (value.trial.stage != question.stage) continue;
    if (value.metric == gain.whole) trials[value.trial].whole = value.value;
    if (std::find(gain.parts.begin(), gain.parts.end(), value.metric) != gain.parts.end()) {
      trials[value.trial].parts.push_back(value.value);
    }
  }
  question.metrics = {gain.whole, gain.part + "_mean", gain.part + "_best", "gain_over_mean",
                      "gain_over_best"};
  std::vector<TrialValue> values;
  for (const auto& [trial, parted] : trials) {
    if (!parted.whole || parted.parts.size() != gain.parts.size()) continue;
    const double mean = std::accumulate(parted.parts.begin(), parted.parts.end(), 0.0) /
                        static_cast<double>(parted.parts.size());
    const double best = *std::max_element(parted.parts.begin(), parted.parts.end());
    const double numbers[] = {*parted.whole, mean, best, kPoints * (*parted.whole - mean),
                              kPoints * (*parted.whole - best)};
    for (std::size_t i = 0; i < question.metrics.size(); ++i) {
      values.push_back({.trial = trial, .metric = question.metrics[i], .value = numbers[i]});
    }
  }
  question.values = &values;
  ResultsTable table = MakeResults(question);
  std::erase_if(table.rows, [](const ResultsRow& row) { return row.values[0].count == 0; });
  return table;
}

ExpectationResult CheckExpectation(ResultsQuestion question, const Expectation& expectation) {
  question.metrics = {expectation.metric};
  ResultsTable table = MakeResults(question);
  ExpectationResult result{
      .stage = table.name, .metric = expectation.metric, .condition = expectation.text};
  std::vector<ResultsRow> rows = std::move(table.rows);
  table.rows.clear();
  for (ResultsRow& row : rows) {
    const ResultsValue& value = row.values[0];
    if (row.open > 0) {
      ++result.open;
    } else if (value.count > 0 && expectation.IsMetBy(value.mean)) {
      ++result.met;
    } else {
      ++result.missed;
      if (table.rows.size() < kMissedShown) table.rows.push_back(std::move(row));
    }
  }
  result.missed_rows = std::move(table);
  return result;
}

}  // namespace fusor
