#include "coordinator/store/purger.h"

#include <string>
#include <string_view>
#include <utility>

namespace fusor {

namespace {

constexpr std::string_view kSelectPurge =
    "SELECT sweep, next_event FROM purge ORDER BY sweep LIMIT 1";
constexpr std::string_view kDropAttempts =
    "DELETE FROM attempt WHERE (sweep, stage, cell, number) IN (SELECT sweep, stage, cell, number"
    " FROM attempt WHERE sweep = ? ORDER BY stage, cell, number LIMIT 500)";
constexpr std::string_view kDropTrials =
    "DELETE FROM trial WHERE (sweep, stage, cell) IN (SELECT sweep, stage, cell FROM trial"
    " WHERE sweep = ? ORDER BY stage, cell LIMIT 500)";
constexpr std::string_view kDropEvaluations =
    "DELETE FROM evaluation WHERE (sweep, stage, cell, attempt, step, name) IN (SELECT sweep, "
    "stage,"
    " cell, attempt, step, name FROM evaluation WHERE sweep = ?"
    " ORDER BY stage, cell, attempt, step, name LIMIT 500)";
constexpr std::string_view kDiscardFiles =
    "REPLACE INTO artifact_garbage (sha256) SELECT sha256 FROM artifact WHERE sweep = ?"
    " ORDER BY stage, cell, id LIMIT 500";
constexpr std::string_view kDropArtifacts =
    "DELETE FROM artifact WHERE id IN (SELECT id FROM artifact WHERE sweep = ?"
    " ORDER BY stage, cell, id LIMIT 500)";
// Events have no index over sweeps: the table is walked once, in windows of numbers.
constexpr std::string_view kLastEvent = "SELECT coalesce(max(id), 0) FROM event";
constexpr std::string_view kDropEvents =
    "DELETE FROM event WHERE id >= ?1 AND id < ?2 AND sweep = ?3";
constexpr std::string_view kSetNextEvent = "UPDATE purge SET next_event = ? WHERE sweep = ?";
constexpr std::string_view kDropPurge = "DELETE FROM purge WHERE sweep = ?";

constexpr std::int64_t kEventWindow = 5'000;

}  // namespace

Result<Purger> Purger::Prepare(const sql::Database& database) {
  Purger purger;
  purger.connection_ = database.handle();
  const std::pair<sql::Statement Purger::*, std::string_view> texts[] = {
      {&Purger::select_purge_, kSelectPurge},    {&Purger::drop_attempts_, kDropAttempts},
      {&Purger::drop_trials_, kDropTrials},      {&Purger::drop_evaluations_, kDropEvaluations},
      {&Purger::discard_files_, kDiscardFiles},  {&Purger::drop_artifacts_, kDropArtifacts},
      {&Purger::last_event_, kLastEvent},        {&Purger::drop_events_, kDropEvents},
      {&Purger::set_next_event_, kSetNextEvent}, {&Purger::drop_purge_, kDropPurge},
  };
  for (const auto& [statement, text] : texts) {
    RETURN_IF_ERROR(database.PrepareInto(purger.*statement, text));
  }
  return purger;
}

Status Purger::Slice() {
  if (!pending_) return Ok();
  select_purge_.Start();
  if (!select_purge_.Next()) {
    RETURN_IF_ERROR(select_purge_.status());
    pending_ = false;
    return Ok();
  }
  const std::int64_t sweep = select_purge_.Int(0);
  const std::int64_t next_event = select_purge_.Int(1);
  RETURN_IF_ERROR(select_purge_.Finish());

  // The files are found through the artifacts.
  RETURN_IF_ERROR(discard_files_.Run(sweep));
  bool done = true;
  for (sql::Statement* drop :
       {&drop_attempts_, &drop_trials_, &drop_evaluations_, &drop_artifacts_}) {
    RETURN_IF_ERROR(drop->Run(sweep));
    if (sqlite3_changes64(connection_) > 0) done = false;
  }
  return done ? PurgeEvents(sweep, next_event) : Ok();
}

Status Purger::PurgeEvents(std::int64_t sweep, std::int64_t next_event) {
  last_event_.Start();
  const std::int64_t last = last_event_.Next() ? last_event_.Int(0) : 0;
  RETURN_IF_ERROR(last_event_.Finish());
  if (next_event > last) return drop_purge_.Run(sweep);
  const std::int64_t end = next_event + kEventWindow;
  RETURN_IF_ERROR(drop_events_.Run(next_event, end, sweep));
  return set_next_event_.Run(end, sweep);
}

}  // namespace fusor
