#include "coordinator/store/metrics_purger.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace fusor {

namespace {

// A slice is bounded by attempts, and for attempts with very long series by points.
constexpr std::int64_t kPointsPerSlice = 200'000;

constexpr std::string_view kSelectAttempts =
    "SELECT attempt FROM attempt_ref WHERE sweep = ? ORDER BY attempt LIMIT 200";
constexpr std::string_view kSelectAttemptsAfter =
    "SELECT attempt FROM attempt_ref WHERE attempt > ? ORDER BY attempt";
// From one to the next by the index: a sweep may have a million attempts.
constexpr std::string_view kSelectSweeps =
    "WITH RECURSIVE found (sweep) AS ("
    "SELECT min(sweep) FROM attempt_ref WHERE sweep > ?"
    " UNION ALL SELECT (SELECT min(sweep) FROM attempt_ref WHERE sweep > found.sweep) FROM found"
    " WHERE found.sweep IS NOT NULL) SELECT sweep FROM found WHERE sweep IS NOT NULL";
constexpr std::string_view kSelectSeries = "SELECT id FROM series WHERE attempt = ? ORDER BY id";
constexpr std::string_view kDropPoints =
    "DELETE FROM point WHERE series = ?1 AND step IN (SELECT step FROM point WHERE series = ?1"
    " ORDER BY step LIMIT ?2)";
constexpr std::string_view kDropSamples = "DELETE FROM sample WHERE series = ?";
constexpr std::string_view kDropOfAttempt[] = {
    "DELETE FROM series WHERE attempt = ?",      "DELETE FROM progress WHERE attempt = ?",
    "DELETE FROM cursor WHERE attempt = ?",      "DELETE FROM log WHERE attempt = ?",
    "DELETE FROM attempt_ref WHERE attempt = ?",
};

Result<std::vector<std::int64_t>> Numbers(const sql::Database& database, std::string_view text,
                                          std::int64_t argument) {
  std::vector<std::int64_t> numbers;
  sql::Statement select;
  RETURN_IF_ERROR(database.PrepareInto(select, text));
  select.Start(argument);
  while (select.Next()) numbers.push_back(select.Int(0));
  RETURN_IF_ERROR(select.status());
  return numbers;
}

// Drops up to `budget` points of the attempt; what is left of the budget, or 0 when there is more.
Result<std::int64_t> DropPoints(const sql::Database& database, std::int64_t attempt,
                                std::int64_t budget) {
  sql::Statement drop_points;
  RETURN_IF_ERROR(database.PrepareInto(drop_points, kDropPoints));
  sql::Statement drop_samples;
  RETURN_IF_ERROR(database.PrepareInto(drop_samples, kDropSamples));
  const Result<std::vector<std::int64_t>> series = Numbers(database, kSelectSeries, attempt);
  if (!series.ok()) return series.status();
  for (const std::int64_t id : *series) {
    RETURN_IF_ERROR(drop_points.Run(id, budget));
    budget -= database.Changes();
    RETURN_IF_ERROR(drop_samples.Run(id));
    if (budget <= 0) return std::int64_t{0};
  }
  return budget;
}

Status DropRest(const sql::Database& database, std::int64_t attempt) {
  for (const std::string_view text : kDropOfAttempt) {
    sql::Statement drop;
    RETURN_IF_ERROR(database.PrepareInto(drop, text));
    RETURN_IF_ERROR(drop.Run(attempt));
  }
  return Ok();
}

}  // namespace

Result<bool> PurgeMetricsSlice(const sql::Database& database, SweepId sweep) {
  const Result<std::vector<std::int64_t>> attempts =
      Numbers(database, kSelectAttempts, static_cast<std::int64_t>(sweep.value));
  if (!attempts.ok()) return attempts.status();
  std::int64_t budget = kPointsPerSlice;
  for (const std::int64_t attempt : *attempts) {
    const Result<std::int64_t> left = DropPoints(database, attempt, budget);
    if (!left.ok()) return left.status();
    if (*left == 0) return true;
    budget = *left;
    RETURN_IF_ERROR(DropRest(database, attempt));
  }
  return !attempts->empty();
}

Result<std::vector<SweepId>> SweepsWithMetrics(const sql::Database& database) {
  const Result<std::vector<std::int64_t>> numbers = Numbers(database, kSelectSweeps, -1);
  if (!numbers.ok()) return numbers.status();
  std::vector<SweepId> sweeps;
  for (const std::int64_t number : *numbers) sweeps.push_back({static_cast<std::uint64_t>(number)});
  return sweeps;
}

Status DropAttemptsAfter(const sql::Database& database, AttemptId last) {
  const Result<std::vector<std::int64_t>> attempts =
      Numbers(database, kSelectAttemptsAfter, static_cast<std::int64_t>(last.value));
  if (!attempts.ok()) return attempts.status();
  for (const std::int64_t attempt : *attempts) {
    const Result<std::int64_t> left = DropPoints(database, attempt, INT64_MAX);
    if (!left.ok()) return left.status();
    RETURN_IF_ERROR(DropRest(database, attempt));
  }
  return Ok();
}

}  // namespace fusor
