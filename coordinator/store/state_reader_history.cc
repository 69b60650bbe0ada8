// The part of StateReader that reads what happened and what came out: events, artifacts,
// evaluations.

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "coordinator/store/reader_pool.h"
#include "coordinator/store/state_reader.h"
#include "coordinator/store/state_rows.h"
#include "coordinator/store/stored_real.h"

namespace fusor {

namespace {

using sql::Statement;

std::string Select(std::string_view columns, std::string_view rest) {
  return "SELECT " + std::string(columns) + " " + std::string(rest);
}

template <class Row, class Read>
Result<std::vector<Row>> ReadAll(Statement& started, Read read) {
  std::vector<Row> rows;
  while (started.Next()) rows.push_back(read(started));
  if (!started.status().ok()) return started.status();
  return rows;
}

// The first event at or after the time: the times of events never go back, so their order is that
// of their numbers.
Result<std::int64_t> FirstEventSince(ReaderPool::Lease& lease, std::int64_t millis) {
  const Result<Statement*> last = lease.Prepare("SELECT coalesce(max(id), 0) FROM event");
  if (!last.ok()) return last.status();
  (*last)->Start();
  std::int64_t end = (*last)->Next() ? (*last)->Int(0) + 1 : 0;
  RETURN_IF_ERROR((*last)->Finish());
  const Result<Statement*> probe =
      lease.Prepare("SELECT time_ms FROM event WHERE id >= ? ORDER BY id LIMIT 1");
  if (!probe.ok()) return probe.status();
  std::int64_t begin = 0;
  while (begin < end) {
    const std::int64_t middle = begin + (end - begin) / 2;
    (*probe)->Start(middle);
    const bool is_before = (*probe)->Next() && (*probe)->Int(0) < millis;
    RETURN_IF_ERROR((*probe)->Finish());
    if (is_before) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

}  // namespace

Result<std::vector<PutEvent>> StateReader::Events(std::optional<SweepId> sweep, EventId after,
                                                  std::size_t limit) {
  const auto lease = pool_->Take("Events");
  const Result<Statement*> select = lease->Prepare(
      Select(rows::kEventColumns,
             "FROM event WHERE id > ?1 AND (?2 < 0 OR sweep = ?2) ORDER BY id LIMIT ?3"));
  if (!select.ok()) return select.status();
  (*select)->Start(after.value, sweep ? static_cast<std::int64_t>(sweep->value) : -1, limit);
  return ReadAll<PutEvent>(**select, rows::ReadEvent);
}

Result<std::vector<PutEvent>> StateReader::EventsOf(const TrialKey& trial, std::size_t limit) {
  const auto lease = pool_->Take("EventsOf");
  const Result<Statement*> submitted =
      lease->Prepare("SELECT submitted_ms FROM sweep WHERE id = ?");
  if (!submitted.ok()) return submitted.status();
  (*submitted)->Start(trial.sweep.value);
  const std::int64_t since = (*submitted)->Next() ? (*submitted)->Int(0) : 0;
  RETURN_IF_ERROR((*submitted)->Finish());
  const Result<std::int64_t> first = FirstEventSince(*lease, since);
  if (!first.ok()) return first.status();
  const Result<Statement*> select = lease->Prepare(
      Select(rows::kEventColumns,
             "FROM event WHERE id >= ? AND sweep = ? AND has_trial AND stage = ? AND cell = ?"
             " ORDER BY id LIMIT ?"));
  if (!select.ok()) return select.status();
  (*select)->Start(*first, trial.sweep.value, trial.stage, trial.cell, limit);
  return ReadAll<PutEvent>(**select, rows::ReadEvent);
}

Result<EventId> StateReader::LastEvent() {
  const auto lease = pool_->Take("LastEvent");
  const Result<Statement*> select =
      lease->Prepare("SELECT coalesce(max(last), 0) FROM counter WHERE name = 'event'");
  if (!select.ok()) return select.status();
  (*select)->Start();
  EventId last;
  if ((*select)->Next()) last = {static_cast<std::uint64_t>((*select)->Int(0))};
  RETURN_IF_ERROR((*select)->Finish());
  return last;
}

Result<std::vector<PutArtifact>> StateReader::Artifacts(const ArtifactQuery& query) {
  const auto lease = pool_->Take("Artifacts");
  const std::string of_trial = query.trial ? " AND stage = ?5 AND cell = ?6" : "";
  const Result<Statement*> select = lease->Prepare(
      Select(rows::kArtifactColumns,
             "FROM artifact WHERE sweep = ?1 AND id > ?2 AND (?3 = '' OR instr(?3, ',' || kind ||"
             " ','))" +
                 of_trial + " ORDER BY id LIMIT ?4"));
  if (!select.ok()) return select.status();
  std::string kinds;
  for (const std::string& kind : query.kinds) kinds += (kinds.empty() ? "," : "") + kind + ",";
  if (query.trial) {
    (*select)->Start(query.sweep.value, query.after.value, kinds, query.limit, query.trial->stage,
                     query.trial->cell);
  } else {
    (*select)->Start(query.sweep.value, query.after.value, kinds, query.limit);
  }
  return ReadAll<PutArtifact>(**select, rows::ReadArtifact);
}

Result<std::optional<PutArtifact>> StateReader::FindArtifact(ArtifactId id) {
  const auto lease = pool_->Take("FindArtifact");
  const Result<Statement*> select =
      lease->Prepare(Select(rows::kArtifactColumns, "FROM artifact WHERE id = ?"));
  if (!select.ok()) return select.status();
  (*select)->Start(id.value);
  std::optional<PutArtifact> row;
  if ((*select)->Next()) row = rows::ReadArtifact(**select);
  RETURN_IF_ERROR((*select)->Finish());
  return row;
}

Result<std::optional<PutArtifact>> StateReader::FindContent(const std::string& sha256) {
  const auto lease = pool_->Take("FindContent");
  const Result<Statement*> select = lease->Prepare(
      Select(rows::kArtifactColumns, "FROM artifact WHERE sha256 = ? ORDER BY id LIMIT 1"));
  if (!select.ok()) return select.status();
  (*select)->Start(sha256);
  std::optional<PutArtifact> row;
  if ((*select)->Next()) row = rows::ReadArtifact(**select);
  RETURN_IF_ERROR((*select)->Finish());
  return row;
}

Result<std::vector<PutEvaluation>> StateReader::Evaluations(const TrialKey& trial) {
  const auto lease = pool_->Take("Evaluations");
  const Result<Statement*> select = lease->Prepare(Select(
      rows::kEvaluationColumns, "FROM evaluation AS e WHERE sweep = ? AND stage = ? AND cell = ?" +
                                    std::string(rows::kNotSuperseded) +
                                    " ORDER BY step, name, attempt"));
  if (!select.ok()) return select.status();
  (*select)->Start(trial.sweep.value, trial.stage, trial.cell);
  return ReadAll<PutEvaluation>(**select, rows::ReadEvaluation);
}

Result<std::vector<TrialValue>> StateReader::ResultValues(SweepId sweep,
                                                          const std::vector<std::string>& metrics) {
  const auto lease = pool_->Take("ResultValues");
  const Result<Statement*> select = lease->Prepare(
      "SELECT e.stage, e.cell, e.name, e.step, e.value, e.nonfinite FROM evaluation AS e"
      " CROSS JOIN trial AS t USING (sweep, stage, cell)"
      " WHERE e.sweep = ?1 AND instr(?2, char(10) || e.name || char(10))"
      " AND (NOT t.has_objective OR e.step <= t.objective_step)" +
      std::string(rows::kNotSuperseded) + " ORDER BY e.stage, e.cell, e.attempt, e.step");
  if (!select.ok()) return select.status();
  std::string names = "\n";
  for (const std::string& metric : metrics) names += metric + "\n";
  (*select)->Start(sweep.value, names);

  std::vector<TrialValue> values;
  std::size_t first_of_trial = 0;
  while ((*select)->Next()) {
    sql::Columns columns(**select);
    TrialValue value;
    value.trial.stage = columns.Int<std::uint32_t>();
    value.trial.cell = columns.Int<std::uint64_t>();
    value.metric = columns.Text();
    value.step = columns.Int();
    const double stored = columns.Real();
    value.value = FromStored(stored, columns.Int());
    if (first_of_trial < values.size() && values[first_of_trial].trial != value.trial) {
      first_of_trial = values.size();
    }
    // Steps grow: a later row of the same metric replaces the one before.
    const auto same =
        std::find_if(values.begin() + static_cast<std::ptrdiff_t>(first_of_trial), values.end(),
                     [&](const TrialValue& known) { return known.metric == value.metric; });
    if (same == values.end()) {
      values.push_back(std::move(value));
    } else {
      *same = std::move(value);
    }
  }
  if (!(*select)->status().ok()) return (*select)->status();
  return values;
}

Result<std::vector<std::string>> StateReader::GarbageContents(std::size_t limit) {
  const auto lease = pool_->Take("GarbageContents");
  const Result<Statement*> select =
      lease->Prepare("SELECT sha256 FROM artifact_garbage ORDER BY sha256 LIMIT ?");
  if (!select.ok()) return select.status();
  (*select)->Start(limit);
  return ReadAll<std::string>(**select,
                              [](const Statement& row) { return std::string(row.Text(0)); });
}

Result<bool> StateReader::IsReferenced(const std::string& sha256) {
  const Result<std::optional<PutArtifact>> row = FindContent(sha256);
  if (!row.ok()) return row.status();
  return row->has_value();
}

}  // namespace fusor
