#include "coordinator/store/state_writer.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include "common/base/limits.h"
#include "coordinator/store/state_rows.h"

namespace fusor {

namespace {

constexpr std::string_view kDropEarlierEvaluations =
    "DELETE FROM evaluation WHERE sweep = ? AND stage = ? AND cell = ? AND attempt < ? AND step = ?"
    " AND name = ?";
constexpr std::string_view kRemoveSweep = "DELETE FROM sweep WHERE id = ?";
constexpr std::string_view kRemoveLeases = "DELETE FROM lease WHERE sweep = ?";
constexpr std::string_view kPutPurge = "REPLACE INTO purge (sweep, next_event) VALUES (?, 0)";
constexpr std::string_view kPutLease =
    "INSERT INTO lease (attempt, rank, sweep, stage, cell, number, fact) VALUES (?,0,?,?,?,?,0)"
    " ON CONFLICT (attempt, rank) DO NOTHING";
constexpr std::string_view kRemoveLease = "DELETE FROM lease WHERE attempt = ?";
constexpr std::string_view kMoveCursor = "UPDATE lease SET fact = ? WHERE attempt = ? AND rank = ?";
// The first fact of a further rank; without a lease of the attempt there is nothing to note.
constexpr std::string_view kAddRank =
    "INSERT INTO lease (attempt, rank, sweep, stage, cell, number, fact)"
    " SELECT attempt, ?2, sweep, stage, cell, number, ?3 FROM lease WHERE attempt = ?1 AND rank = 0"
    " ON CONFLICT (attempt, rank) DO NOTHING";
constexpr std::string_view kKeepFile = "DELETE FROM artifact_garbage WHERE sha256 = ?";
constexpr std::string_view kDiscardFile =
    "REPLACE INTO artifact_garbage (sha256) SELECT sha256 FROM artifact WHERE id = ?";
constexpr std::string_view kRemoveArtifact = "DELETE FROM artifact WHERE id = ?";
constexpr std::string_view kPutRequest =
    "REPLACE INTO request (id, content_sha256, sweep, count, time_ms) VALUES (?,?,?,?,?)";
constexpr std::string_view kForgetRequests = "DELETE FROM request WHERE time_ms < ?";
constexpr std::string_view kPutNumber = "REPLACE INTO counter (name, last) VALUES (?,?)";
constexpr std::string_view kSelectNumber =
    "SELECT coalesce(max(last), 0) FROM counter WHERE name = ?";

struct NamedNumber {
  std::string_view name;
  std::uint64_t LastNumbers::*place;
};

constexpr NamedNumber kNumbers[] = {
    {"attempt", &LastNumbers::attempt}, {"artifact", &LastNumbers::artifact},
    {"event", &LastNumbers::event},     {"sweep", &LastNumbers::sweep},
    {"worker", &LastNumbers::worker},
};

void Raise(std::uint64_t& last, std::uint64_t given) { last = std::max(last, given); }

}  // namespace

Result<LastNumbers> ReadLastNumbers(const sql::Database& database) {
  LastNumbers numbers;
  sql::Statement select;
  RETURN_IF_ERROR(database.PrepareInto(select, kSelectNumber));
  for (const NamedNumber& number : kNumbers) {
    select.Start(number.name);
    if (select.Next()) numbers.*number.place = static_cast<std::uint64_t>(select.Int(0));
    RETURN_IF_ERROR(select.Finish());
  }
  return numbers;
}

Result<std::unique_ptr<StateWriter>> StateWriter::Prepare(const sql::Database& database) {
  auto writer = std::make_unique<StateWriter>();
  writer->connection_ = database.handle();
  const std::pair<sql::Statement StateWriter::*, std::string> texts[] = {
      {&StateWriter::put_sweep_, rows::PutText("sweep", rows::kSweepColumns)},
      {&StateWriter::remove_sweep_, std::string(kRemoveSweep)},
      {&StateWriter::remove_leases_, std::string(kRemoveLeases)},
      {&StateWriter::put_purge_, std::string(kPutPurge)},
      {&StateWriter::put_trial_, rows::PutText("trial", rows::kTrialColumns)},
      {&StateWriter::put_attempt_, rows::PutText("attempt", rows::kAttemptColumns)},
      {&StateWriter::put_lease_, std::string(kPutLease)},
      {&StateWriter::remove_lease_, std::string(kRemoveLease)},
      {&StateWriter::move_cursor_, std::string(kMoveCursor)},
      {&StateWriter::add_rank_, std::string(kAddRank)},
      {&StateWriter::drop_earlier_evaluations_, std::string(kDropEarlierEvaluations)},
      {&StateWriter::put_evaluation_, rows::PutText("evaluation", rows::kEvaluationColumns)},
      {&StateWriter::put_artifact_, rows::PutText("artifact", rows::kArtifactColumns)},
      {&StateWriter::keep_file_, std::string(kKeepFile)},
      {&StateWriter::discard_file_, std::string(kDiscardFile)},
      {&StateWriter::remove_artifact_, std::string(kRemoveArtifact)},
      {&StateWriter::put_event_, rows::PutText("event", rows::kEventColumns)},
      {&StateWriter::put_request_, std::string(kPutRequest)},
      {&StateWriter::forget_requests_, std::string(kForgetRequests)},
      {&StateWriter::put_number_, std::string(kPutNumber)},
  };
  for (const auto& [statement, text] : texts) {
    RETURN_IF_ERROR(database.PrepareInto((*writer).*statement, text));
  }
  Result<WorkerRows> workers = WorkerRows::Prepare(database);
  if (!workers.ok()) return workers.status();
  writer->workers_ = std::move(*workers);
  const Result<LastNumbers> numbers = ReadLastNumbers(database);
  if (!numbers.ok()) return numbers.status();
  writer->numbers_ = *numbers;
  writer->written_ = *numbers;
  return writer;
}

Status StateWriter::Apply(const Write& write) {
  return std::visit([this](const auto& row) { return Put(row); }, write);
}

Status StateWriter::PutNumbers() {
  for (const NamedNumber& number : kNumbers) {
    const std::uint64_t last = numbers_.*number.place;
    if (last == written_.*number.place) continue;
    RETURN_IF_ERROR(put_number_.Run(number.name, last));
  }
  return Ok();
}

Status StateWriter::Put(const PutSweep& row) {
  Raise(numbers_.sweep, row.id.value);
  return rows::Write(put_sweep_, row);
}

// The sweep is gone at once; its many rows go in slices (purger.h).
Status StateWriter::Put(const RemoveSweep& row) {
  RETURN_IF_ERROR(remove_sweep_.Run(row.id.value));
  RETURN_IF_ERROR(remove_leases_.Run(row.id.value));
  return put_purge_.Run(row.id.value);
}

Status StateWriter::Put(const PutTrial& row) { return rows::Write(put_trial_, row); }

Status StateWriter::Put(const PutAttempt& row) {
  Raise(numbers_.attempt, row.id.value);
  RETURN_IF_ERROR(rows::Write(put_attempt_, row));
  const bool live = row.state == AttemptState::kGranted || row.state == AttemptState::kRunning;
  if (!live) return remove_lease_.Run(row.id.value);
  return put_lease_.Run(row.id.value, row.trial.sweep.value, row.trial.stage, row.trial.cell,
                        row.number);
}

Status StateWriter::Put(const PutCursor& row) {
  RETURN_IF_ERROR(move_cursor_.Run(row.number, row.attempt.value, row.rank));
  if (row.rank == 0 || sqlite3_changes64(connection_) > 0) return Ok();
  return add_rank_.Run(row.attempt.value, row.rank, row.number);
}

Status StateWriter::Put(const PutEvaluation& row) {
  if (row.again) {
    RETURN_IF_ERROR(drop_earlier_evaluations_.Run(row.trial.sweep.value, row.trial.stage,
                                                  row.trial.cell, row.attempt.value, row.step,
                                                  row.name));
  }
  return rows::Write(put_evaluation_, row);
}

Status StateWriter::Put(const PutArtifact& row) {
  Raise(numbers_.artifact, row.id.value);
  RETURN_IF_ERROR(keep_file_.Run(row.file.sha256));
  return rows::Write(put_artifact_, row);
}

Status StateWriter::Put(const RemoveArtifact& row) {
  RETURN_IF_ERROR(discard_file_.Run(row.id.value));
  return remove_artifact_.Run(row.id.value);
}

Status StateWriter::Put(const PutWorker& row) {
  Raise(numbers_.worker, row.id.value);
  return workers_.Write(row);
}

Status StateWriter::Put(const PutEvent& row) {
  Raise(numbers_.event, row.id.value);
  return rows::Write(put_event_, row);
}

Status StateWriter::Put(const PutRequest& row) {
  RETURN_IF_ERROR(put_request_.Run(row.request_id, row.content_sha256, row.sweep.value, row.count,
                                   ToUnixMillis(row.time)));
  return forget_requests_.Run(ToUnixMillis(row.time - limits::kRequestIdKept));
}

}  // namespace fusor
