#include "coordinator/store/snapshot_loader.h"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "coordinator/store/state_rows.h"
#include "coordinator/store/state_writer.h"
#include "coordinator/store/worker_rows.h"

namespace fusor {

namespace {

// Most trials are done, and of those one byte is all that is needed: the wide rows are read in a
// second step, only where they matter.
constexpr std::string_view kSelectStates =
    "SELECT stage, cell, state FROM trial WHERE sweep = ? ORDER BY stage, cell";
constexpr std::string_view kSelectCursors =
    "SELECT attempt, rank, fact FROM lease WHERE fact > 0 ORDER BY attempt, rank";
constexpr std::string_view kSelectRequests =
    "SELECT id, content_sha256, sweep, count, time_ms FROM request ORDER BY time_ms, id";

std::string SelectSweeps() {
  return "SELECT " + std::string(rows::kSweepColumns) + " FROM sweep ORDER BY id";
}

std::string SelectTrial() {
  return "SELECT " + std::string(rows::kTrialColumns) +
         " FROM trial WHERE sweep = ? AND stage = ? AND cell = ?";
}

std::string SelectLiveAttempts() {
  return "SELECT " + std::string(rows::kAttemptColumns) +
         " FROM lease CROSS JOIN attempt USING (sweep, stage, cell, number)"
         " WHERE lease.rank = 0 ORDER BY lease.attempt";
}

std::string SelectArtifactsOfTrial() {
  return "SELECT " + std::string(rows::kArtifactColumns) +
         " FROM artifact WHERE sweep = ? AND stage = ? AND cell = ? AND kind = 'checkpoint'"
         " ORDER BY id";
}

std::string SelectModelsOfStage() {
  return "SELECT " + std::string(rows::kArtifactColumns) +
         " FROM artifact WHERE sweep = ? AND stage = ? AND kind = 'model' ORDER BY id";
}

std::string SelectObjectives() {
  return "SELECT " + std::string(rows::kEvaluationColumns) +
         " FROM evaluation AS e WHERE sweep = ? AND stage = ? AND cell = ? AND name = ?" +
         std::string(rows::kNotSuperseded) + " ORDER BY attempt, step";
}

class Loader {
 public:
  Loader(const sql::Database& database, StateStore::ParseSpec parse)
      : database_(database), parse_(parse) {}

  Result<Snapshot> Load() {
    RETURN_IF_ERROR(LoadSweeps());
    RETURN_IF_ERROR(LoadTrials());
    RETURN_IF_ERROR(LoadAttempts());
    RETURN_IF_ERROR(LoadArtifacts());
    RETURN_IF_ERROR(LoadObjectives());
    RETURN_IF_ERROR(LoadRest());
    return std::move(snapshot_);
  }

 private:
  Status LoadSweeps();
  Status LoadTrials();
  Status LoadStates(sql::Statement& select, Snapshot::Sweep& sweep, std::vector<TrialKey>& wanted);
  Status LoadAttempts();
  Status LoadArtifacts();
  Status AddArtifacts(sql::Statement& started);
  Status LoadObjectives();
  Status LoadRest();

  const sql::Database& database_;
  const StateStore::ParseSpec parse_;
  Snapshot snapshot_;
};

Status Loader::LoadSweeps() {
  sql::Statement select;
  RETURN_IF_ERROR(database_.PrepareInto(select, SelectSweeps()));
  while (select.Next()) {
    Result<PutSweep> row = rows::ReadSweep(select);
    if (!row.ok()) return row.status();
    Result<std::shared_ptr<const SweepSpec>> spec = parse_(*row);
    if (!spec.ok()) {
      return Status(spec.status().code(),
                    "sweep " + std::to_string(row->id.value) +
                        " in state.db cannot be read any more: " + spec.status().message());
    }
    snapshot_.sweeps.push_back({std::move(*row), std::move(*spec), {}});
  }
  return select.status();
}

Status Loader::LoadTrials() {
  sql::Statement states;
  RETURN_IF_ERROR(database_.PrepareInto(states, kSelectStates));
  std::vector<TrialKey> wanted;
  for (Snapshot::Sweep& sweep : snapshot_.sweeps) {
    RETURN_IF_ERROR(LoadStates(states, sweep, wanted));
  }
  sql::Statement select;
  RETURN_IF_ERROR(database_.PrepareInto(select, SelectTrial()));
  snapshot_.live_trials.reserve(wanted.size());
  for (const TrialKey& key : wanted) {
    select.Start(key.sweep.value, key.stage, key.cell);
    if (select.Next()) {
      Result<PutTrial> trial = rows::ReadTrial(select);
      if (!trial.ok()) return trial.status();
      snapshot_.live_trials.push_back(std::move(*trial));
    }
    RETURN_IF_ERROR(select.Finish());
  }
  return Ok();
}

Status Loader::LoadStates(sql::Statement& select, Snapshot::Sweep& sweep,
                          std::vector<TrialKey>& wanted) {
  select.Start(sweep.row.id.value);
  while (select.Next()) {
    sql::Columns columns(select);
    const auto stage = columns.Int<std::uint32_t>();
    const auto cell = columns.Int<std::uint64_t>();
    const Result<TrialState> state = rows::TrialStateOf(columns.View());
    if (!state.ok()) return state.status();
    if (IsTerminal(*state)) sweep.terminal.push_back({stage, cell, *state});
    if (*state != TrialState::kSucceeded) wanted.push_back({sweep.row.id, stage, cell});
  }
  return select.status();
}

Status Loader::LoadAttempts() {
  sql::Statement select;
  RETURN_IF_ERROR(database_.PrepareInto(select, SelectLiveAttempts()));
  while (select.Next()) {
    Result<PutAttempt> attempt = rows::ReadAttempt(select);
    if (!attempt.ok()) return attempt.status();
    snapshot_.live_attempts.push_back(std::move(*attempt));
  }
  RETURN_IF_ERROR(select.status());
  RETURN_IF_ERROR(database_.PrepareInto(select, kSelectCursors));
  while (select.Next()) {
    sql::Columns columns(select);
    PutCursor cursor;
    cursor.attempt = {columns.Int<std::uint64_t>()};
    cursor.rank = columns.Int<std::uint32_t>();
    cursor.number = columns.Int<std::uint64_t>();
    snapshot_.cursors.push_back(cursor);
  }
  return select.status();
}

Status Loader::LoadArtifacts() {
  sql::Statement select;
  RETURN_IF_ERROR(database_.PrepareInto(select, SelectArtifactsOfTrial()));
  for (const PutTrial& trial : snapshot_.live_trials) {
    select.Start(trial.key.sweep.value, trial.key.stage, trial.key.cell);
    RETURN_IF_ERROR(AddArtifacts(select));
  }
  RETURN_IF_ERROR(database_.PrepareInto(select, SelectModelsOfStage()));
  for (const Snapshot::Sweep& sweep : snapshot_.sweeps) {
    std::set<std::uint32_t> needed;
    for (const StageSpec& stage : sweep.spec->stages) {
      for (const Need& need : stage.needs) needed.insert(need.stage);
    }
    for (const std::uint32_t stage : needed) {
      select.Start(sweep.row.id.value, stage);
      RETURN_IF_ERROR(AddArtifacts(select));
    }
  }
  return Ok();
}

Status Loader::AddArtifacts(sql::Statement& started) {
  while (started.Next()) snapshot_.artifacts.push_back(rows::ReadArtifact(started));
  return started.status();
}

Status Loader::LoadObjectives() {
  std::map<SweepId, const SweepSpec*> specs;
  for (const Snapshot::Sweep& sweep : snapshot_.sweeps) specs[sweep.row.id] = sweep.spec.get();
  sql::Statement select;
  RETURN_IF_ERROR(database_.PrepareInto(select, SelectObjectives()));
  for (const PutTrial& trial : snapshot_.live_trials) {
    if (!trial.has_objective) continue;
    select.Start(trial.key.sweep.value, trial.key.stage, trial.key.cell,
                 specs.at(trial.key.sweep)->objective.metric);
    while (select.Next()) snapshot_.objectives.push_back(rows::ReadEvaluation(select));
    RETURN_IF_ERROR(select.status());
  }
  return Ok();
}

Status Loader::LoadRest() {
  Result<std::vector<PutWorker>> workers = ReadWorkers(database_);
  if (!workers.ok()) return workers.status();
  snapshot_.workers = std::move(*workers);
  sql::Statement select;
  RETURN_IF_ERROR(database_.PrepareInto(select, kSelectRequests));
  while (select.Next()) {
    sql::Columns columns(select);
    PutRequest request;
    request.request_id = columns.Text();
    request.content_sha256 = columns.Text();
    request.sweep = {columns.Int<std::uint64_t>()};
    request.count = columns.Int<std::uint64_t>();
    request.time = FromUnixMillis(columns.Int());
    snapshot_.requests.push_back(std::move(request));
  }
  RETURN_IF_ERROR(select.status());
  const Result<LastNumbers> numbers = ReadLastNumbers(database_);
  if (!numbers.ok()) return numbers.status();
  snapshot_.last_attempt = {numbers->attempt};
  snapshot_.last_artifact = {numbers->artifact};
  snapshot_.last_event = {numbers->event};
  snapshot_.last_sweep = {numbers->sweep};
  snapshot_.last_worker = {numbers->worker};
  return Ok();
}

}  // namespace

Result<Snapshot> LoadSnapshot(const sql::Database& database, StateStore::ParseSpec parse) {
  return Loader(database, parse).Load();
}

}  // namespace fusor
