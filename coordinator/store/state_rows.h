#pragma once

// Rows of state.db as the core's plain structs, both ways. Each list of columns stands beside the
// functions that write and read it; the order is theirs alone.

#include <string>
#include <string_view>

#include "coordinator/core/write.h"
#include "coordinator/store/sqlite.h"

namespace fusor::rows {

inline constexpr std::int64_t kNeverMillis = -1;

inline std::int64_t MillisOrNever(Time time) {
  return time == kNever ? kNeverMillis : ToUnixMillis(time);
}
inline Time TimeOrNever(std::int64_t millis) {
  return millis == kNeverMillis ? kNever : FromUnixMillis(millis);
}

// What a SELECT names so that the Read functions below understand the row.
extern const std::string_view kSweepColumns;
extern const std::string_view kTrialColumns;
extern const std::string_view kAttemptColumns;
extern const std::string_view kEvaluationColumns;
extern const std::string_view kArtifactColumns;
extern const std::string_view kEventColumns;

// Goes on a WHERE about the table evaluation AS e: what a later attempt of the trial has taken over
// does not count.
extern const std::string_view kNotSuperseded;

// The REPLACE statement that the Write functions below fill.
std::string PutText(std::string_view table, std::string_view columns);

Status Write(sql::Statement& statement, const PutSweep& row);
Status Write(sql::Statement& statement, const PutTrial& row);
Status Write(sql::Statement& statement, const PutAttempt& row);
Status Write(sql::Statement& statement, const PutArtifact& row);
Status Write(sql::Statement& statement, const PutEvent& row);
Status Write(sql::Statement& statement, const PutEvaluation& row);

// kDataLoss when the row holds what no version of this program writes.
Result<PutSweep> ReadSweep(const sql::Statement& row);
Result<PutTrial> ReadTrial(const sql::Statement& row);
Result<PutAttempt> ReadAttempt(const sql::Statement& row);
PutArtifact ReadArtifact(const sql::Statement& row);
PutEvaluation ReadEvaluation(const sql::Statement& row);
PutEvent ReadEvent(const sql::Statement& row);

Result<TrialState> TrialStateOf(std::string_view name);

}  // namespace fusor::rows
