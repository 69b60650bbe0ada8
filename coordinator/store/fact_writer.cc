#include "coordinator/store/fact_writer.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/base/limits.h"

namespace fusor {

namespace {

constexpr std::string_view kDropEarlier =
    "DELETE FROM point WHERE step = ? AND series IN (SELECT s.id FROM attempt_ref AS a"
    " JOIN series AS s ON s.attempt = a.attempt WHERE a.sweep = ? AND a.stage = ? AND a.cell = ?"
    " AND a.attempt < ? AND s.rank = ? AND s.name = ?)";
constexpr std::string_view kPutRef =
    "INSERT INTO attempt_ref (attempt, sweep, stage, cell, started, resumed_from_step,"
    " points_dropped) VALUES (?,?,?,?,0,-1,0) ON CONFLICT (attempt) DO NOTHING";
constexpr std::string_view kStartRef =
    "INSERT INTO attempt_ref (attempt, sweep, stage, cell, started, resumed_from_step,"
    " points_dropped) VALUES (?,?,?,?,1,?,0) ON CONFLICT (attempt) DO UPDATE SET started = 1,"
    " resumed_from_step = excluded.resumed_from_step";
constexpr std::string_view kAddDropped =
    "UPDATE attempt_ref SET points_dropped = points_dropped + ? WHERE attempt = ?";
constexpr std::string_view kPutCursor =
    "REPLACE INTO cursor (attempt, rank, number) VALUES (?,?,?)";
constexpr std::string_view kPutProgress =
    "REPLACE INTO progress (attempt, step, steps, epoch, phase) VALUES (?,?,?,?,?)";
constexpr std::string_view kPutLog =
    "REPLACE INTO log (sweep, id, attempt, rank, time_ms, is_error_stream, text)"
    " VALUES (?,?,?,?,?,?,?)";

bool IsSystem(std::string_view name) { return name.starts_with("system/"); }

}  // namespace

Result<std::unique_ptr<FactWriter>> FactWriter::Prepare(const sql::Database& database) {
  auto writer = std::make_unique<FactWriter>();
  Result<std::unique_ptr<AttemptCache>> cache = AttemptCache::Prepare(database);
  if (!cache.ok()) return cache.status();
  writer->cache_ = std::move(*cache);
  Result<PointBatch> points = PointBatch::Prepare(database);
  if (!points.ok()) return points.status();
  writer->points_ = std::move(*points);
  const std::pair<sql::Statement FactWriter::*, std::string_view> texts[] = {
      {&FactWriter::drop_earlier_, kDropEarlier}, {&FactWriter::put_ref_, kPutRef},
      {&FactWriter::start_ref_, kStartRef},       {&FactWriter::add_dropped_, kAddDropped},
      {&FactWriter::put_cursor_, kPutCursor},     {&FactWriter::put_progress_, kPutProgress},
      {&FactWriter::put_log_, kPutLog},
  };
  for (const auto& [statement, text] : texts) {
    RETURN_IF_ERROR(database.PrepareInto((*writer).*statement, text));
  }
  return writer;
}

Status FactWriter::Apply(const FactsForMetrics& batch) {
  const Result<Reporter*> found = cache_->Find(batch.attempt, batch.rank);
  if (!found.ok()) return found.status();
  Reporter& reporter = **found;
  const auto fresh = std::find_if(batch.facts.begin(), batch.facts.end(),
                                  [&](const Fact& fact) { return fact.number > reporter.cursor; });
  if (fresh == batch.facts.end()) return Ok();
  // A gap in front or inside: a fact was lost on the way, and must be sent again.
  if (fresh->number > std::max(reporter.cursor, batch.floor) + 1) return Ok();
  for (auto fact = fresh; fact != batch.facts.end(); ++fact) {
    if (fact->number != fresh->number + static_cast<std::uint64_t>(fact - fresh)) return Ok();
  }

  if (!reporter.has_ref) {
    RETURN_IF_ERROR(put_ref_.Run(batch.attempt.value, batch.trial.sweep.value, batch.trial.stage,
                                 batch.trial.cell));
    reporter.has_ref = true;
  }
  Context context{batch, reporter};
  for (auto fact = fresh; fact != batch.facts.end(); ++fact) {
    RETURN_IF_ERROR(Store(context, *fact));
  }
  return EndBatch(context);
}

Status FactWriter::EndBatch(const Context& context) {
  const FactsForMetrics& batch = context.batch;
  if (const ProgressFact* progress = context.progress) {
    RETURN_IF_ERROR(put_progress_.Run(batch.attempt.value, progress->step, progress->steps,
                                      progress->epoch, progress->phase));
  }
  if (context.dropped > 0) {
    RETURN_IF_ERROR(add_dropped_.Run(context.dropped, batch.attempt.value));
  }
  context.reporter.cursor = batch.facts.back().number;
  RETURN_IF_ERROR(put_cursor_.Run(batch.attempt.value, batch.rank, context.reporter.cursor));
  if (context.ended) cache_->Forget(batch.attempt, batch.rank);
  return Ok();
}

Status FactWriter::Store(Context& context, const Fact& fact) {
  const FactsForMetrics& batch = context.batch;
  if (const auto* metrics = std::get_if<MetricsFact>(&fact.body)) {
    return StoreMetrics(context, *metrics, fact.number);
  }
  if (const auto* log = std::get_if<LogFact>(&fact.body)) return StoreLog(context, *log);
  if (const auto* progress = std::get_if<ProgressFact>(&fact.body)) {
    if (batch.rank == 0) context.progress = progress;
    return Ok();
  }
  if (const auto* evaluation = std::get_if<EvaluationFact>(&fact.body)) {
    return StoreEvaluation(context, *evaluation, fact.number);
  }
  if (const auto* started = std::get_if<StartedFact>(&fact.body)) {
    return StoreStart(context, *started);
  }
  if (std::holds_alternative<FinalFact>(fact.body)) context.ended = true;
  return Ok();
}

Status FactWriter::StoreMetrics(Context& context, const MetricsFact& metrics,
                                std::uint64_t number) {
  const auto series = cache_->SeriesOf(context.reporter, metrics.names);
  if (!series.ok()) return series.status();
  // The columns come from a peer: what does not fit the table of names and steps is left out.
  const std::size_t columns = std::min(metrics.values.size(), series->size());
  for (std::size_t i = 0; i < columns; ++i) {
    const std::vector<double>& values = metrics.values[i];
    const std::size_t rows = std::min(values.size(), metrics.steps.size());
    if ((*series)[i] == 0) {
      context.dropped += static_cast<std::int64_t>(rows);
      continue;
    }
    const bool is_system = IsSystem(metrics.names[i]);
    for (std::size_t j = 0; j < rows; ++j) {
      const Point point{(*series)[i], metrics.steps[j], values[j], metrics.time_ms,
                        static_cast<std::int64_t>(number)};
      if (is_system) {
        points_.AddSample(point);
      } else {
        points_.Add(point);
      }
    }
  }
  return Ok();
}

Status FactWriter::StoreEvaluation(Context& context, const EvaluationFact& evaluation,
                                   std::uint64_t number) {
  std::vector<std::string> names;
  names.reserve(evaluation.values.size());
  for (const auto& [name, value] : evaluation.values) names.push_back(name);
  const auto series = cache_->SeriesOf(context.reporter, names);
  if (!series.ok()) return series.status();
  std::size_t i = 0;
  for (const auto& [name, value] : evaluation.values) {
    const std::int64_t id = (*series)[i++];
    if (id == 0) {
      ++context.dropped;
      continue;
    }
    if (evaluation.step <= context.reporter.resumed_from) {
      RETURN_IF_ERROR(ReplaceEarlier(context.batch, evaluation.step, name));
    }
    points_.Add(
        {id, evaluation.step, value, evaluation.time_ms, static_cast<std::int64_t>(number)});
  }
  return Ok();
}

Status FactWriter::StoreStart(const Context& context, const StartedFact& started) {
  context.reporter.resumed_from = started.resumed_from_step;
  return Supersede(context.batch.trial, context.batch.attempt, started.resumed_from_step);
}

Status FactWriter::ReplaceEarlier(const FactsForMetrics& batch, std::int64_t step,
                                  const std::string& name) {
  RETURN_IF_ERROR(points_.Flush());
  return drop_earlier_.Run(step, batch.trial.sweep.value, batch.trial.stage, batch.trial.cell,
                           batch.attempt.value, batch.rank, name);
}

Status FactWriter::StoreLog(const Context& context, const LogFact& log) {
  const FactsForMetrics& batch = context.batch;
  std::string_view rest = log.text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, std::min(end, limits::kLogLineBytesMax));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const Result<std::int64_t> id = cache_->NextLogLine();
    if (!id.ok()) return id.status();
    put_log_.Start(batch.trial.sweep.value, *id, batch.attempt.value, batch.rank, log.time_ms,
                   log.is_error_stream);
    put_log_.BindBlob(line);
    RETURN_IF_ERROR(put_log_.Finish());
  }
  return Ok();
}

Status FactWriter::Finish() {
  RETURN_IF_ERROR(points_.Flush());
  return cache_->PutNumbers();
}

void FactWriter::Clear() {
  points_.Clear();
  cache_->Clear();
}

Result<std::uint64_t> FactWriter::Cursor(AttemptId attempt, std::uint32_t rank) {
  const Result<Reporter*> reporter = cache_->Find(attempt, rank);
  if (!reporter.ok()) return reporter.status();
  return (*reporter)->cursor;
}

Status FactWriter::Supersede(const TrialKey& trial, AttemptId by, std::int64_t step) {
  return start_ref_.Run(by.value, trial.sweep.value, trial.stage, trial.cell, step);
}

}  // namespace fusor
