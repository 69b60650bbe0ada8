#include "coordinator/store/state_reader.h"

#include <limits>
#include <string_view>
#include <utility>

#include "coordinator/store/reader_pool.h"
#include "coordinator/store/state_rows.h"
#include "coordinator/store/state_schema.h"
#include "coordinator/store/worker_rows.h"

namespace fusor {

namespace {

using sql::Statement;

constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();

std::string Select(std::string_view columns, std::string_view rest) {
  return "SELECT " + std::string(columns) + " " + std::string(rest);
}

// ",ready,running,": what `instr(?, ',' || state || ',')` looks into. Empty = every name.
std::string NameSet(const std::vector<std::string>& names) {
  std::string set;
  for (const std::string& name : names) set += (set.empty() ? "," : "") + name + ",";
  return set;
}

template <class State>
std::string StateSet(const std::vector<State>& states) {
  std::vector<std::string> names;
  for (const State state : states) names.emplace_back(Name(state));
  return NameSet(names);
}

// Drains a started statement into rows. `read` gives a Result.
template <class Row, class Read>
Result<std::vector<Row>> ReadAll(Statement& started, Read read) {
  std::vector<Row> rows;
  while (started.Next()) {
    Result<Row> row = read(started);
    if (!row.ok()) return row.status();
    rows.push_back(std::move(row).value());
  }
  if (!started.status().ok()) return started.status();
  return rows;
}

template <class Row, class Read>
Result<std::optional<Row>> ReadOne(Statement& started, Read read) {
  Result<std::vector<Row>> rows = ReadAll<Row>(started, read);
  if (!rows.ok()) return rows.status();
  if (rows->empty()) return std::optional<Row>();
  return std::optional<Row>(std::move(rows->front()));
}

// Where a page of trials starts: behind `after`, and not before the only stage asked for.
struct Bounds {
  std::int64_t stage = -1;
  std::int64_t cell = -1;
  std::int64_t last_stage = kLargest;
};

Bounds BoundsOf(const TrialQuery& query) {
  Bounds bounds;
  if (query.after) {
    bounds.stage = query.after->stage;
    bounds.cell = static_cast<std::int64_t>(query.after->cell);
  }
  if (!query.stage) return bounds;
  bounds.last_stage = *query.stage;
  if (bounds.stage < bounds.last_stage) {
    bounds.stage = bounds.last_stage;
    bounds.cell = -1;
  }
  return bounds;
}

constexpr std::string_view kTrialPage =
    "FROM trial WHERE sweep = ?1 AND (stage, cell) > (?2, ?3) AND stage <= ?4"
    " AND (?5 = '' OR instr(?5, ',' || state || ','))";

}  // namespace

StateReader::StateReader(std::unique_ptr<ReaderPool> pool) : pool_(std::move(pool)) {}
StateReader::~StateReader() = default;

Result<std::unique_ptr<StateReader>> StateReader::Open(const ReadDoor& door, int connections) {
  Result<std::unique_ptr<ReaderPool>> pool = ReaderPool::Open(StateFormat(), door, connections);
  if (!pool.ok()) return pool.status();
  return std::unique_ptr<StateReader>(new StateReader(std::move(pool).value()));
}

std::vector<std::string> StateReader::LongReads(Duration age) const {
  return pool_->LongReads(age);
}

Result<std::vector<PutSweep>> StateReader::ListSweeps(const SweepQuery& query) {
  const auto lease = pool_->Take("ListSweeps");
  std::string columns(rows::kSweepColumns);
  if (!query.with_source) columns.replace(columns.rfind("source"), std::string::npos, "''");
  const Result<Statement*> select = lease->Prepare(
      Select(columns,
             "FROM sweep WHERE id < ?1 AND (?2 = '' OR instr(?2, ',' || state || ','))"
             " ORDER BY id DESC LIMIT ?3"));
  if (!select.ok()) return select.status();
  const std::string states = StateSet(query.states);
  const std::int64_t before =
      query.before ? static_cast<std::int64_t>(query.before->value) : kLargest;
  (*select)->Start(before, states, query.limit);
  return ReadAll<PutSweep>(**select, rows::ReadSweep);
}

Result<PutSweep> StateReader::GetSweep(SweepId sweep) {
  const auto lease = pool_->Take("GetSweep");
  const Result<Statement*> select =
      lease->Prepare(Select(rows::kSweepColumns, "FROM sweep WHERE id = ?"));
  if (!select.ok()) return select.status();
  (*select)->Start(sweep.value);
  Result<std::optional<PutSweep>> row = ReadOne<PutSweep>(**select, rows::ReadSweep);
  if (!row.ok()) return row.status();
  if (!row->has_value()) return NotFound("no sweep " + std::to_string(sweep.value));
  return std::move(**row);
}

Result<SweepId> StateReader::NewestSweep() {
  const auto lease = pool_->Take("NewestSweep");
  const Result<Statement*> select = lease->Prepare("SELECT max(id) FROM sweep");
  if (!select.ok()) return select.status();
  (*select)->Start();
  SweepId newest;
  if ((*select)->Next()) newest = {static_cast<std::uint64_t>((*select)->Int(0))};
  RETURN_IF_ERROR((*select)->Finish());
  if (!newest) return NotFound("no sweep was ever submitted here");
  return newest;
}

Result<SweepTotals> StateReader::Totals(SweepId sweep, Time now) {
  const auto lease = pool_->Take("Totals");
  SweepTotals totals;
  const Result<Statement*> counts = lease->Prepare(
      "SELECT stage, state, count(*) FROM trial WHERE sweep = ? GROUP BY stage, state"
      " ORDER BY stage, state");
  if (!counts.ok()) return counts.status();
  (*counts)->Start(sweep.value);
  while ((*counts)->Next()) {
    const Result<TrialState> state = rows::TrialStateOf((*counts)->Text(1));
    if (!state.ok()) return state.status();
    auto& stage = totals.stages[static_cast<std::uint32_t>((*counts)->Int(0))];
    stage[static_cast<std::size_t>(*state)] = static_cast<std::uint64_t>((*counts)->Int(2));
  }
  RETURN_IF_ERROR((*counts)->status());

  const Result<Statement*> sums = lease->Prepare(
      "SELECT coalesce(sum(ran), 0), coalesce(sum(ran * slot_count), 0),"
      " coalesce(min(started_ms), -1), coalesce(max(ended_ms), -1) FROM ("
      "SELECT started_ms, ended_ms, slot_count,"
      " max(0, iif(ended_ms < 0, ?2, ended_ms) - started_ms) AS ran"
      " FROM attempt WHERE sweep = ?1 AND started_ms >= 0)");
  if (!sums.ok()) return sums.status();
  (*sums)->Start(sweep.value, ToUnixMillis(now));
  if ((*sums)->Next()) {
    sql::Columns columns(**sums);
    totals.running_ms = columns.Int();
    totals.slot_ms = columns.Int();
    totals.first_started = rows::TimeOrNever(columns.Int());
    totals.last_ended = rows::TimeOrNever(columns.Int());
  }
  RETURN_IF_ERROR((*sums)->Finish());
  return totals;
}

Result<std::optional<PutTrial>> StateReader::Best(SweepId sweep, std::optional<std::uint32_t> stage,
                                                  Goal goal, const Fits& fits) {
  const auto lease = pool_->Take("Best");
  const Result<Statement*> select = lease->Prepare(
      Select(rows::kTrialColumns,
             "FROM trial WHERE sweep = ?1 AND stage BETWEEN ?2 AND ?3 AND has_objective"
             " AND objective_nonfinite = 0 AND state NOT IN ('failed', 'canceled', 'skipped')"
             " ORDER BY objective * ?4, stage, cell LIMIT ?5"));
  if (!select.ok()) return select.status();
  (*select)->Start(sweep.value, stage ? *stage : 0, stage ? *stage : kLargest,
                   goal == Goal::kMaximize ? -1 : 1, fits == nullptr ? 1 : -1);
  while ((*select)->Next()) {
    Result<PutTrial> trial = rows::ReadTrial(**select);
    if (!trial.ok()) return trial.status();
    if (fits == nullptr || fits({trial->key.stage, trial->key.cell})) {
      return std::optional<PutTrial>(std::move(*trial));
    }
  }
  RETURN_IF_ERROR((*select)->status());
  return std::optional<PutTrial>();
}

Result<std::vector<PutTrial>> StateReader::ListTrials(const TrialQuery& query) {
  const auto lease = pool_->Take("ListTrials");
  const Result<Statement*> select = lease->Prepare(
      Select(rows::kTrialColumns, std::string(kTrialPage) + " ORDER BY stage, cell LIMIT ?6"));
  if (!select.ok()) return select.status();
  const Bounds bounds = BoundsOf(query);
  const std::string states = StateSet(query.states);
  (*select)->Start(query.sweep.value, bounds.stage, bounds.cell, bounds.last_stage, states,
                   query.limit);
  return ReadAll<PutTrial>(**select, rows::ReadTrial);
}

Result<std::uint64_t> StateReader::CountTrials(const TrialQuery& query) {
  const auto lease = pool_->Take("CountTrials");
  const Result<Statement*> select = lease->Prepare(Select("count(*)", kTrialPage));
  if (!select.ok()) return select.status();
  TrialQuery all = query;
  all.after.reset();
  const Bounds bounds = BoundsOf(all);
  const std::string states = StateSet(query.states);
  (*select)->Start(query.sweep.value, bounds.stage, bounds.cell, bounds.last_stage, states);
  const auto count = static_cast<std::uint64_t>((*select)->Next() ? (*select)->Int(0) : 0);
  RETURN_IF_ERROR((*select)->Finish());
  return count;
}

Result<std::vector<StateReader::TrialStateAt>> StateReader::ListStates(const TrialQuery& query) {
  const auto lease = pool_->Take("ListStates");
  const Result<Statement*> select = lease->Prepare(
      Select("stage, cell, state", std::string(kTrialPage) + " ORDER BY stage, cell LIMIT ?6"));
  if (!select.ok()) return select.status();
  const Bounds bounds = BoundsOf(query);
  const std::string states = StateSet(query.states);
  (*select)->Start(query.sweep.value, bounds.stage, bounds.cell, bounds.last_stage, states,
                   query.limit);
  return ReadAll<TrialStateAt>(**select, [](const Statement& row) -> Result<TrialStateAt> {
    const Result<TrialState> state = rows::TrialStateOf(row.Text(2));
    if (!state.ok()) return state.status();
    return TrialStateAt{
        {static_cast<std::uint32_t>(row.Int(0)), static_cast<std::uint64_t>(row.Int(1))}, *state};
  });
}

Result<std::optional<PutTrial>> StateReader::FindTrial(const TrialKey& trial) {
  const auto lease = pool_->Take("FindTrial");
  const Result<Statement*> select = lease->Prepare(
      Select(rows::kTrialColumns, "FROM trial WHERE sweep = ? AND stage = ? AND cell = ?"));
  if (!select.ok()) return select.status();
  (*select)->Start(trial.sweep.value, trial.stage, trial.cell);
  return ReadOne<PutTrial>(**select, rows::ReadTrial);
}

Result<std::vector<PutAttempt>> StateReader::Attempts(const TrialKey& trial) {
  const auto lease = pool_->Take("Attempts");
  const Result<Statement*> select = lease->Prepare(
      Select(rows::kAttemptColumns,
             "FROM attempt WHERE sweep = ? AND stage = ? AND cell = ? ORDER BY number"));
  if (!select.ok()) return select.status();
  (*select)->Start(trial.sweep.value, trial.stage, trial.cell);
  return ReadAll<PutAttempt>(**select, rows::ReadAttempt);
}

Result<std::vector<PutAttempt>> StateReader::LiveAttempts(std::optional<SweepId> sweep) {
  const auto lease = pool_->Take("LiveAttempts");
  const Result<Statement*> select = lease->Prepare(
      Select(rows::kAttemptColumns,
             "FROM lease CROSS JOIN attempt USING (sweep, stage, cell, number)"
             " WHERE lease.rank = 0 AND (?1 < 0 OR lease.sweep = ?1) ORDER BY lease.attempt"));
  if (!select.ok()) return select.status();
  (*select)->Start(sweep ? static_cast<std::int64_t>(sweep->value) : -1);
  return ReadAll<PutAttempt>(**select, rows::ReadAttempt);
}

Result<std::vector<PutWorker>> StateReader::Workers() {
  const auto lease = pool_->Take("Workers");
  if (!lease->status().ok()) return lease->status();
  return ReadWorkers(lease->database());
}

}  // namespace fusor
