#include "coordinator/server/metric_read.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

namespace fusor {

namespace {

// More evaluations than this of one name and trial are not merged but paged as any series.
constexpr std::size_t kMergedMax = 100'000;

void Append(PointColumns& to, const PointColumns& from, std::size_t i) {
  to.steps.push_back(from.steps[i]);
  to.values.push_back(from.values[i]);
  to.times_ms.push_back(from.times_ms[i]);
  to.attempts.push_back(from.attempts[i]);
}

// In the order (attempt, step).
PointColumns Merge(const PointColumns& a, const PointColumns& b) {
  PointColumns merged;
  merged.name = a.name;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.steps.size() || j < b.steps.size()) {
    const bool take_a =
        j == b.steps.size() || (i < a.steps.size() && std::pair(a.attempts[i], a.steps[i]) <=
                                                          std::pair(b.attempts[j], b.steps[j]));
    if (take_a) {
      Append(merged, a, i++);
    } else {
      Append(merged, b, j++);
    }
  }
  return merged;
}

SeriesSummary Summary(const PointColumns& column) {
  SeriesSummary summary;
  summary.name = column.name;
  summary.points = column.steps.size();
  summary.min = std::numeric_limits<double>::quiet_NaN();
  summary.max = summary.min;
  for (std::size_t i = 0; i < column.steps.size(); ++i) {
    summary.last = column.values[i];
    summary.last_step = column.steps[i];
    if (!std::isfinite(column.values[i])) continue;
    summary.min = std::fmin(summary.min, column.values[i]);
    summary.max = std::fmax(summary.max, column.values[i]);
  }
  return summary;
}

// What metrics.db holds of one series, all of it.
Result<PointColumns> ReadWhole(Readers& readers, const TrialKey& trial, const std::string& name,
                               bool include_superseded) {
  PointQuery query;
  query.trial = trial;
  query.names = {name};
  query.include_superseded = include_superseded;
  query.limit = kMergedMax;
  Result<PointPage> page = readers.metrics->Points(query);
  if (!page.ok()) return page.status();
  if (page->columns.empty()) return PointColumns{name, {}, {}, {}, {}};
  PointColumns only = std::move(page->columns.front());
  return only;
}

}  // namespace

Result<std::vector<PointColumns>> ReadLoneEvaluations(Readers& readers, const TrialKey& trial,
                                                      const std::vector<std::string>& names) {
  const Result<std::vector<PutEvaluation>> rows = readers.state->Evaluations(trial);
  if (!rows.ok()) return rows.status();
  std::map<std::string, PointColumns> by_name;
  for (const PutEvaluation& row : *rows) {
    if (!names.empty() && std::find(names.begin(), names.end(), row.name) == names.end()) continue;
    PointColumns& column = by_name[row.name];
    column.name = row.name;
    column.steps.push_back(row.step);
    column.values.push_back(row.value);
    column.times_ms.push_back(ToUnixMillis(row.time));
    column.attempts.push_back(row.attempt);
  }
  std::vector<PointColumns> lone;
  for (const auto& [name, column] : by_name) {
    const Result<PointColumns> stored = ReadWhole(readers, trial, name, true);
    if (!stored.ok()) return stored.status();
    const std::set<AttemptId> known(stored->attempts.begin(), stored->attempts.end());
    PointColumns rest;
    rest.name = name;
    for (std::size_t i = 0; i < column.steps.size(); ++i) {
      if (!known.contains(column.attempts[i])) Append(rest, column, i);
    }
    if (!rest.steps.empty()) lone.push_back(std::move(rest));
  }
  return lone;
}

Result<std::vector<SeriesSummary>> ReadSeries(Readers& readers, const TrialKey& trial) {
  Result<std::vector<SeriesSummary>> series = readers.metrics->Series(trial);
  if (!series.ok()) return series;
  const Result<std::vector<PointColumns>> lone = ReadLoneEvaluations(readers, trial, {});
  if (!lone.ok()) return lone.status();
  for (const PointColumns& column : *lone) {
    const Result<PointColumns> stored = ReadWhole(readers, trial, column.name, false);
    if (!stored.ok()) return stored.status();
    const SeriesSummary merged = Summary(Merge(*stored, column));
    const auto same = [&](const SeriesSummary& each) { return each.name == column.name; };
    std::erase_if(*series, same);
    series->push_back(merged);
  }
  std::sort(series->begin(), series->end(),
            [](const SeriesSummary& a, const SeriesSummary& b) { return a.name < b.name; });
  return series;
}

Result<PointPage> ReadPoints(Readers& readers, const MetricQuestion& question) {
  const Result<std::vector<PointColumns>> lone =
      ReadLoneEvaluations(readers, question.trial, question.names);
  if (!lone.ok()) return lone.status();
  PointPage page;
  PointQuery query{question.trial, {}, question.include_superseded, question.after, question.limit};
  for (const std::string& name : question.names) {
    const auto found = std::find_if(lone->begin(), lone->end(),
                                    [&](const PointColumns& each) { return each.name == name; });
    if (found == lone->end()) {
      query.names.push_back(name);
    } else if (!question.after) {
      const Result<PointColumns> stored =
          ReadWhole(readers, question.trial, name, question.include_superseded);
      if (!stored.ok()) return stored.status();
      page.columns.push_back(Merge(*stored, *found));
    }
  }
  if (query.names.empty()) return page;
  Result<PointPage> rest = readers.metrics->Points(query);
  if (!rest.ok()) return rest;
  page.next = std::move(rest->next);
  for (PointColumns& column : rest->columns) page.columns.push_back(std::move(column));
  return page;
}

Result<std::map<AttemptId, std::uint32_t>> ReadAttemptNumbers(Readers& readers,
                                                              const TrialKey& trial) {
  const Result<std::vector<PutAttempt>> attempts = readers.state->Attempts(trial);
  if (!attempts.ok()) return attempts.status();
  std::map<AttemptId, std::uint32_t> numbers;
  for (const PutAttempt& attempt : *attempts) numbers[attempt.id] = attempt.number;
  return numbers;
}

std::string PointToken(const PointPosition& position) {
  return std::to_string(position.attempt.value) + ":" + std::to_string(position.rank) + ":" +
         std::to_string(position.key) + ":" + position.name;
}

Result<std::optional<PointPosition>> ParsePointToken(const std::string& token) {
  if (token.empty()) return std::optional<PointPosition>();
  PointPosition position;
  const char* at = token.data();
  const char* const end = at + token.size();
  const auto take = [&](auto& number) {
    const auto [stop, error] = std::from_chars(at, end, number);
    if (error != std::errc() || stop == end || *stop != ':') return false;
    at = stop + 1;
    return true;
  };
  if (!take(position.attempt.value) || !take(position.rank) || !take(position.key)) {
    return InvalidArgument("page_token: not one of this server's");
  }
  position.name.assign(at, end);
  return std::optional(std::move(position));
}

}  // namespace fusor
