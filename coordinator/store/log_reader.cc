// The part of MetricsReader that reads log lines.

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/store/metrics_reader.h"
#include "coordinator/store/reader_pool.h"
#include "coordinator/store/trial_series.h"

namespace fusor {

namespace {

using sql::Statement;

constexpr char kPageOfSweep[] =
    "SELECT log.id, a.stage, a.cell, log.attempt, log.rank, log.time_ms, log.is_error_stream,"
    " log.text FROM log CROSS JOIN attempt_ref AS a ON a.attempt = log.attempt"
    " WHERE log.sweep = ?1 AND log.id > ?2 ORDER BY log.id LIMIT ?3";
constexpr char kPageOfAttempt[] =
    "SELECT log.id, a.stage, a.cell, log.attempt, log.rank, log.time_ms, log.is_error_stream,"
    " log.text FROM log INDEXED BY log_by_attempt"
    " CROSS JOIN attempt_ref AS a ON a.attempt = log.attempt"
    " WHERE log.attempt = ?1 AND log.id > ?2 ORDER BY log.id LIMIT ?3";
constexpr char kTailOfSweep[] = "SELECT id FROM log WHERE sweep = ?1 ORDER BY id DESC LIMIT ?2";
constexpr char kTailOfAttempt[] =
    "SELECT id FROM log INDEXED BY log_by_attempt WHERE attempt = ?1 ORDER BY id DESC LIMIT ?2";

LogRow ReadLine(const Statement& row, SweepId sweep) {
  sql::Columns columns(row);
  LogRow line;
  line.cursor = columns.Int<std::uint64_t>();
  line.trial.sweep = sweep;
  line.trial.stage = columns.Int<std::uint32_t>();
  line.trial.cell = columns.Int<std::uint64_t>();
  line.attempt = {columns.Int<std::uint64_t>()};
  line.rank = columns.Int<std::uint32_t>();
  line.time_ms = columns.Int();
  line.is_error_stream = columns.Int() != 0;
  line.text = columns.Blob();
  return line;
}

// Lines of one attempt or of one sweep, whichever the statement is for.
Status AddLines(Statement& select, std::uint64_t of, SweepId sweep, std::uint64_t after,
                std::size_t limit, std::vector<LogRow>& lines) {
  select.Start(of, after, limit);
  while (select.Next()) lines.push_back(ReadLine(select, sweep));
  return select.status();
}

}  // namespace

Result<std::vector<LogRow>> MetricsReader::Logs(const LogScope& scope, std::uint64_t after,
                                                std::size_t limit) {
  const auto lease = pool_->Take("Logs");
  const Result<Statement*> select = lease->Prepare(scope.trial ? kPageOfAttempt : kPageOfSweep);
  if (!select.ok()) return select.status();
  std::vector<LogRow> lines;
  if (!scope.trial) {
    RETURN_IF_ERROR(AddLines(**select, scope.sweep.value, scope.sweep, after, limit, lines));
    return lines;
  }
  const auto spans = SpansOf(*lease, *scope.trial);
  if (!spans.ok()) return spans.status();
  for (const AttemptSpan& span : *spans) {
    RETURN_IF_ERROR(
        AddLines(**select, span.attempt.value, scope.trial->sweep, after, limit, lines));
  }
  // Each attempt's lines came in order; a late line of an earlier attempt belongs where it arrived.
  std::sort(lines.begin(), lines.end(),
            [](const LogRow& a, const LogRow& b) { return a.cursor < b.cursor; });
  if (lines.size() > limit) lines.resize(limit);
  return lines;
}

Result<std::uint64_t> MetricsReader::LogTail(const LogScope& scope, std::size_t lines) {
  const auto lease = pool_->Take("LogTail");
  const Result<Statement*> select = lease->Prepare(scope.trial ? kTailOfAttempt : kTailOfSweep);
  if (!select.ok()) return select.status();
  std::vector<std::uint64_t> scopes = {scope.sweep.value};
  if (scope.trial) {
    const auto spans = SpansOf(*lease, *scope.trial);
    if (!spans.ok()) return spans.status();
    scopes.clear();
    for (const AttemptSpan& span : *spans) scopes.push_back(span.attempt.value);
  }
  // One more than wanted: the line in front of the tail is the cursor.
  std::vector<std::uint64_t> newest;
  for (const std::uint64_t of : scopes) {
    (*select)->Start(of, lines + 1);
    while ((*select)->Next()) newest.push_back(static_cast<std::uint64_t>((*select)->Int(0)));
    if (!(*select)->status().ok()) return (*select)->status();
  }
  std::sort(newest.rbegin(), newest.rend());
  return newest.size() > lines ? newest[lines] : 0;
}

}  // namespace fusor
