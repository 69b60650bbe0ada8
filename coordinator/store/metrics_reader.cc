#include "coordinator/store/metrics_reader.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>
#include <utility>

#include "coordinator/store/metrics_schema.h"
#include "coordinator/store/reader_pool.h"
#include "coordinator/store/stored_real.h"
#include "coordinator/store/trial_series.h"

namespace fusor {

namespace {

using sql::Statement;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kBeforeAll = std::numeric_limits<std::int64_t>::min();

// `point` and `sample` differ in what orders the points of a series: the step, or the fact's
// number.
constexpr char kSummarizePoints[] =
    "SELECT count(*), min(iif(nonfinite = 0, value, NULL)), max(iif(nonfinite = 0, value, NULL))"
    " FROM point WHERE series = ?1 AND step <= ?2";
constexpr char kSummarizeSamples[] =
    "SELECT count(*), min(iif(nonfinite = 0, value, NULL)), max(iif(nonfinite = 0, value, NULL))"
    " FROM sample WHERE series = ?1 AND step <= ?2";
constexpr char kLastPoint[] =
    "SELECT step, value, nonfinite, time_ms FROM point WHERE series = ?1 AND step <= ?2"
    " ORDER BY step DESC LIMIT 1";
constexpr char kLastSample[] =
    "SELECT step, value, nonfinite, time_ms FROM sample WHERE series = ?1 AND step <= ?2"
    " ORDER BY fact DESC, step DESC LIMIT 1";
constexpr char kPagePoints[] =
    "SELECT step, step, value, nonfinite, time_ms FROM point"
    " WHERE series = ?1 AND step > ?2 AND step <= ?3 ORDER BY step";
constexpr char kPageSamples[] =
    "SELECT fact, step, value, nonfinite, time_ms FROM sample"
    " WHERE series = ?1 AND fact > ?2 AND step <= ?3 ORDER BY fact, step";
constexpr char kArrivedPoints[] =
    "SELECT fact, step, value, nonfinite, time_ms FROM point"
    " WHERE series = ?1 AND step <= ?2 AND fact > ?3 ORDER BY step";
constexpr char kArrivedSamples[] =
    "SELECT fact, step, value, nonfinite, time_ms FROM sample"
    " WHERE series = ?1 AND step <= ?2 AND fact > ?3 ORDER BY fact, step";
constexpr char kSelectProgress[] =
    "SELECT step, steps, epoch, phase FROM progress WHERE attempt = ?";

// The column of the series' name, which is the last one or a new one: series come by name.
PointColumns& ColumnOf(std::vector<PointColumns>& columns, const std::string& name) {
  if (columns.empty() || columns.back().name != name) {
    columns.emplace_back();
    columns.back().name = name;
  }
  return columns.back();
}

// A row of (key, step, value, nonfinite, time_ms).
void AddPoint(PointColumns& column, AttemptId attempt, const Statement& row) {
  column.steps.push_back(row.Int(1));
  column.values.push_back(FromStored(row.Real(2), row.Int(3)));
  column.times_ms.push_back(row.Int(4));
  column.attempts.push_back(attempt);
}

// Adds one attempt's part of a series to the summary; attempts come in order, so the last one with
// points has the last word.
Status Summarize(ReaderPool::Lease& lease, const SeriesRef& series, SeriesSummary& summary) {
  const Result<Statement*> all =
      lease.Prepare(series.is_system ? kSummarizeSamples : kSummarizePoints);
  if (!all.ok()) return all.status();
  (*all)->Start(series.id, series.last_step);
  if ((*all)->Next() && (*all)->Int(0) > 0) {
    summary.points += static_cast<std::uint64_t>((*all)->Int(0));
    if (!(*all)->IsNull(1)) {
      summary.min = std::fmin(summary.min, (*all)->Real(1));
      summary.max = std::fmax(summary.max, (*all)->Real(2));
    }
  }
  RETURN_IF_ERROR((*all)->Finish());
  const Result<Statement*> last = lease.Prepare(series.is_system ? kLastSample : kLastPoint);
  if (!last.ok()) return last.status();
  (*last)->Start(series.id, series.last_step);
  if ((*last)->Next()) {
    summary.last_step = (*last)->Int(0);
    summary.last = FromStored((*last)->Real(1), (*last)->Int(2));
  }
  return (*last)->Finish();
}

struct Page {
  std::vector<PointColumns> columns;
  std::size_t left = 0;               // points that still fit
  const SeriesRef* series = nullptr;  // of the last point
  std::int64_t key = 0;
};

// Adds what fits of one series. False when there is more than fits. Points of one fact stay
// together.
Result<bool> AddPage(ReaderPool::Lease& lease, const SeriesRef& series, const PointQuery& query,
                     Page& page) {
  std::int64_t after = kBeforeAll;
  if (query.after) {
    const auto here = std::tie(series.name, series.attempt, series.rank);
    const auto there = std::tie(query.after->name, query.after->attempt, query.after->rank);
    if (here < there) return true;
    if (here == there) after = query.after->key;
  }
  const Result<Statement*> select = lease.Prepare(series.is_system ? kPageSamples : kPagePoints);
  if (!select.ok()) return select.status();
  const std::int64_t end =
      query.include_superseded ? std::numeric_limits<std::int64_t>::max() : series.last_step;
  (*select)->Start(series.id, after, end);
  while ((*select)->Next()) {
    const std::int64_t key = (*select)->Int(0);
    const bool goes_on = page.series == &series && page.key == key;
    if (page.left == 0 && !goes_on) {
      (*select)->Reset();
      return false;
    }
    AddPoint(ColumnOf(page.columns, series.name), series.attempt, **select);
    page.series = &series;
    page.key = key;
    if (page.left > 0) --page.left;
  }
  if (!(*select)->status().ok()) return (*select)->status();
  return true;
}

// Adds the points of one series that are newer than `fact`; notes the newest of all in `newest`.
Status AddArrived(ReaderPool::Lease& lease, const SeriesRef& series, std::uint64_t fact,
                  ArrivedPoints& arrived, std::uint64_t& newest) {
  const Result<Statement*> select =
      lease.Prepare(series.is_system ? kArrivedSamples : kArrivedPoints);
  if (!select.ok()) return select.status();
  (*select)->Start(series.id, series.last_step, fact);
  while ((*select)->Next()) {
    newest = std::max(newest, static_cast<std::uint64_t>((*select)->Int(0)));
    AddPoint(ColumnOf(arrived.columns, series.name), series.attempt, **select);
  }
  return (*select)->status();
}

}  // namespace

MetricsReader::MetricsReader(std::unique_ptr<ReaderPool> pool) : pool_(std::move(pool)) {}
MetricsReader::~MetricsReader() = default;

Result<std::unique_ptr<MetricsReader>> MetricsReader::Open(const ReadDoor& door, int connections) {
  Result<std::unique_ptr<ReaderPool>> pool = ReaderPool::Open(MetricsFormat(), door, connections);
  if (!pool.ok()) return pool.status();
  return std::unique_ptr<MetricsReader>(new MetricsReader(std::move(pool).value()));
}

std::vector<std::string> MetricsReader::LongReads(Duration age) const {
  return pool_->LongReads(age);
}

Result<std::vector<SeriesSummary>> MetricsReader::Series(const TrialKey& trial) {
  const auto lease = pool_->Take("Series");
  const auto spans = SpansOf(*lease, trial);
  if (!spans.ok()) return spans.status();
  const auto series = SeriesOf(*lease, *spans, {});
  if (!series.ok()) return series.status();
  std::vector<SeriesSummary> summaries;
  for (const SeriesRef& part : *series) {
    if (summaries.empty() || summaries.back().name != part.name) {
      summaries.push_back({part.name, 0, 0, kNan, kNan, kNan});
    }
    RETURN_IF_ERROR(Summarize(*lease, part, summaries.back()));
  }
  // A series all of whose points were superseded is none.
  std::erase_if(summaries, [](const SeriesSummary& summary) { return summary.points == 0; });
  return summaries;
}

Result<PointPage> MetricsReader::Points(const PointQuery& query) {
  const auto lease = pool_->Take("Points");
  const auto spans = SpansOf(*lease, query.trial);
  if (!spans.ok()) return spans.status();
  const auto series = SeriesOf(*lease, *spans, query.names);
  if (!series.ok()) return series.status();
  Page page;
  page.left = query.limit;
  bool is_full = false;
  for (const SeriesRef& part : *series) {
    const Result<bool> fits = AddPage(*lease, part, query, page);
    if (!fits.ok()) return fits.status();
    if (!*fits) {
      is_full = true;
      break;
    }
  }
  PointPage result;
  result.columns = std::move(page.columns);
  if (is_full && page.series != nullptr) {
    PointPosition& next = result.next.emplace();
    next.name = page.series->name;
    next.attempt = page.series->attempt;
    next.rank = page.series->rank;
    next.key = page.key;
  }
  return result;
}

Result<ArrivedPoints> MetricsReader::Arrived(const TrialKey& trial,
                                             const std::vector<std::string>& names,
                                             PointCursor after) {
  const auto lease = pool_->Take("Arrived");
  const auto spans = SpansOf(*lease, trial);
  if (!spans.ok()) return spans.status();
  ArrivedPoints arrived;
  arrived.cursor = after;
  if (spans->empty()) return arrived;
  // The attempt followed so far has been taken over: what was sent of it may be superseded.
  const AttemptId latest = spans->back().attempt;
  if (after.attempt && after.attempt < latest) {
    arrived.resync = true;
    arrived.cursor = {};
    return arrived;
  }
  const auto series = SeriesOf(*lease, *spans, names);
  if (!series.ok()) return series.status();
  std::uint64_t newest = after.fact;
  for (const SeriesRef& part : *series) {
    if (part.rank != 0) continue;
    if (part.attempt < after.attempt) continue;
    std::uint64_t ignored = 0;
    const bool is_latest = part.attempt == latest;
    RETURN_IF_ERROR(AddArrived(*lease, part, is_latest ? after.fact : 0, arrived,
                               is_latest ? newest : ignored));
  }
  arrived.cursor = {latest, newest};
  return arrived;
}

Result<std::vector<MetricValue>> MetricsReader::LastValues(const TrialKey& trial,
                                                           const std::vector<std::string>& names,
                                                           std::int64_t step_max) {
  const auto lease = pool_->Take("LastValues");
  const auto spans = SpansOf(*lease, trial);
  if (!spans.ok()) return spans.status();
  const auto series = SeriesOf(*lease, *spans, names);
  if (!series.ok()) return series.status();
  std::vector<MetricValue> values;
  for (const SeriesRef& part : *series) {
    const Result<Statement*> select = lease->Prepare(part.is_system ? kLastSample : kLastPoint);
    if (!select.ok()) return select.status();
    (*select)->Start(part.id, std::min(part.last_step, step_max));
    if ((*select)->Next()) {
      const MetricValue value = {part.name, (*select)->Int(0),
                                 FromStored((*select)->Real(1), (*select)->Int(2))};
      if (values.empty() || values.back().name != part.name) {
        values.push_back(value);
      } else {
        values.back() = value;
      }
    }
    RETURN_IF_ERROR((*select)->Finish());
  }
  return values;
}

Result<std::vector<ProgressRow>> MetricsReader::Progress(std::span<const AttemptId> attempts) {
  const auto lease = pool_->Take("Progress");
  const Result<Statement*> select = lease->Prepare(kSelectProgress);
  if (!select.ok()) return select.status();
  std::vector<ProgressRow> rows;
  for (const AttemptId attempt : attempts) {
    (*select)->Start(attempt.value);
    if ((*select)->Next()) {
      sql::Columns columns(**select);
      ProgressRow row;
      row.attempt = attempt;
      row.step = columns.Int();
      row.steps = columns.Int();
      row.epoch = columns.Int();
      row.phase = columns.Text();
      rows.push_back(std::move(row));
    }
    RETURN_IF_ERROR((*select)->Finish());
  }
  return rows;
}

Result<std::vector<SystemValue>> MetricsReader::LatestSystem(std::span<const AttemptId> attempts) {
  const auto lease = pool_->Take("LatestSystem");
  std::vector<SystemValue> values;
  for (const AttemptId attempt : attempts) {
    const auto series = SeriesOf(*lease, {{attempt, std::numeric_limits<std::int64_t>::max()}}, {});
    if (!series.ok()) return series.status();
    for (const SeriesRef& part : *series) {
      if (!part.is_system) continue;
      const Result<Statement*> select = lease->Prepare(kLastSample);
      if (!select.ok()) return select.status();
      (*select)->Start(part.id, part.last_step);
      if ((*select)->Next()) {
        values.push_back({attempt, part.rank, part.name,
                          FromStored((*select)->Real(1), (*select)->Int(2)), (*select)->Int(3)});
      }
      RETURN_IF_ERROR((*select)->Finish());
    }
  }
  return values;
}

}  // namespace fusor
