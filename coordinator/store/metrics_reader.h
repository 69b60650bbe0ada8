#pragma once

// Reads of metrics.db: series, points, log lines, progress. Read-only connections, used from any
// thread, as StateReader. A trial's series is each attempt's points up to where the next one took
// over; what lies behind is superseded and left out unless asked for. `system/*` is never
// superseded.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/id.h"
#include "common/base/status.h"
#include "common/base/time.h"
#include "coordinator/store/connection_gate.h"

namespace fusor {

class ReaderPool;

struct SeriesSummary {
  std::string name;
  std::uint64_t points = 0;
  std::int64_t last_step = 0;
  double last = 0;  // may be NaN or infinite
  double min = 0;   // over the finite points; NaN when there is none
  double max = 0;
};

// A place in the order (name, attempt, rank, step) of a trial's points.
struct PointPosition {
  std::string name;
  AttemptId attempt;
  std::uint32_t rank = 0;
  std::int64_t key = 0;  // the step; of system/* the fact's number
};

struct PointQuery {
  TrialKey trial;
  std::vector<std::string> names;  // empty = all
  bool include_superseded = false;
  std::optional<PointPosition> after;
  std::size_t limit = 10'000;
};

// values[i] was reported by attempts[i] at steps[i]; values may be NaN or infinite.
struct PointColumns {
  std::string name;
  std::vector<std::int64_t> steps;
  std::vector<double> values;
  std::vector<std::int64_t> times_ms;
  std::vector<AttemptId> attempts;
};

struct PointPage {
  std::vector<PointColumns> columns;
  std::optional<PointPosition> next;  // set: there is more
};

// How far a reader has followed a trial as its points arrive.
struct PointCursor {
  AttemptId attempt;
  std::uint64_t fact = 0;
  friend auto operator<=>(const PointCursor&, const PointCursor&) = default;
};

struct ArrivedPoints {
  std::vector<PointColumns> columns;
  PointCursor cursor;
  bool resync = false;  // a later attempt took over below points already sent: read them anew
};

struct LogScope {
  SweepId sweep;
  std::optional<TrialKey> trial;  // else every trial of the sweep, interleaved as they arrived
};

struct LogRow {
  std::uint64_t cursor = 0;
  TrialKey trial;
  AttemptId attempt;
  std::uint32_t rank = 0;
  std::int64_t time_ms = 0;
  bool is_error_stream = false;
  std::string text;  // any bytes, without the line's end
};

struct ProgressRow {
  AttemptId attempt;
  std::int64_t step = 0;
  std::int64_t steps = 0;
  std::int64_t epoch = 0;
  std::string phase;
};

// The latest value of one system/* series.
struct SystemValue {
  AttemptId attempt;
  std::uint32_t rank = 0;
  std::string name;
  double value = 0;
  std::int64_t time_ms = 0;
};

struct MetricValue {
  std::string name;
  std::int64_t step = 0;
  double value = 0;
};

class MetricsReader {
 public:
  static Result<std::unique_ptr<MetricsReader>> Open(const ReadDoor& door, int connections);
  ~MetricsReader();

  // By name.
  Result<std::vector<SeriesSummary>> Series(const TrialKey& trial);
  // One page, by (name, attempt, rank, step).
  Result<PointPage> Points(const PointQuery& query);
  // What arrived after the cursor (a default one: from the beginning). `names` empty = all.
  Result<ArrivedPoints> Arrived(const TrialKey& trial, const std::vector<std::string>& names,
                                PointCursor after);
  // For each name the value at `step_max`, or the latest before it.
  Result<std::vector<MetricValue>> LastValues(const TrialKey& trial,
                                              const std::vector<std::string>& names,
                                              std::int64_t step_max);

  // Lines after the cursor, in the order of arrival.
  Result<std::vector<LogRow>> Logs(const LogScope& scope, std::uint64_t after, std::size_t limit);
  // The cursor after which exactly the last `lines` lines come.
  Result<std::uint64_t> LogTail(const LogScope& scope, std::size_t lines);

  // Of those attempts that have reported any.
  Result<std::vector<ProgressRow>> Progress(std::span<const AttemptId> attempts);
  Result<std::vector<SystemValue>> LatestSystem(std::span<const AttemptId> attempts);

  std::vector<std::string> LongReads(Duration age) const;

 private:
  explicit MetricsReader(std::unique_ptr<ReaderPool> pool);

  std::unique_ptr<ReaderPool> pool_;
};

}  // namespace fusor
