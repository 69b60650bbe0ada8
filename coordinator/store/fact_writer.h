#pragma once

// Turns facts into rows of metrics.db, inside the caller's transaction.

#include <cstdint>
#include <memory>
#include <string_view>

#include "common/base/session.h"
#include "common/base/status.h"
#include "coordinator/store/attempt_cache.h"
#include "coordinator/store/metrics_store.h"
#include "coordinator/store/point_batch.h"
#include "coordinator/store/sqlite.h"

namespace fusor {

class FactWriter {
 public:
  // `database` outlives the writer.
  static Result<std::unique_ptr<FactWriter>> Prepare(const sql::Database& database);

  Status Apply(const FactsForMetrics& batch);
  // Ends a group of Apply calls.
  Status Finish();
  // The transaction failed, or somebody else changed the tables: forget what is known of them.
  void Clear();

  // The cursor as this transaction sees it.
  Result<std::uint64_t> Cursor(AttemptId attempt, std::uint32_t rank);
  Status Supersede(const TrialKey& trial, AttemptId by, std::int64_t step);

 private:
  // What one batch is about, handed to the functions that store its facts.
  struct Context {
    const FactsForMetrics& batch;
    Reporter& reporter;
    const ProgressFact* progress = nullptr;  // the last one is all that is kept
    std::int64_t dropped = 0;
    bool ended = false;
  };

  Status Store(Context& context, const Fact& fact);
  Status StoreMetrics(Context& context, const MetricsFact& metrics, std::uint64_t number);
  Status StoreEvaluation(Context& context, const EvaluationFact& evaluation, std::uint64_t number);
  Status StoreStart(const Context& context, const StartedFact& started);
  // A resumed attempt may evaluate its best model again: its value takes the place of the earlier
  // attempts'.
  Status ReplaceEarlier(const FactsForMetrics& batch, std::int64_t step, const std::string& name);
  Status StoreLog(const Context& context, const LogFact& log);
  Status EndBatch(const Context& context);

  std::unique_ptr<AttemptCache> cache_;
  PointBatch points_;
  sql::Statement drop_earlier_;
  sql::Statement put_ref_;
  sql::Statement start_ref_;
  sql::Statement add_dropped_;
  sql::Statement put_cursor_;
  sql::Statement put_progress_;
  sql::Statement put_log_;
};

}  // namespace fusor
