#pragma once

// What the writer of metrics.db knows by heart of the attempts that report: cursors and series
// numbers. The tables are the truth: what is not here is read from them, and after a failed
// transaction everything is forgotten.

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/id.h"
#include "common/base/status.h"
#include "coordinator/store/sqlite.h"

namespace fusor {

// One (attempt, rank).
struct Reporter {
  AttemptId attempt;
  std::uint32_t rank = 0;
  std::uint64_t cursor = 0;
  bool has_ref = false;            // the attempt's row in attempt_ref is there
  std::int64_t resumed_from = -1;  // of that row
  bool has_series = false;         // `series` holds all of the table
  std::map<std::string, std::int64_t, std::less<>> series;
  std::vector<std::string>
      names;  // of the last metrics fact, and their series: mostly the next one's
  std::vector<std::int64_t> ids;
};

class AttemptCache {
 public:
  // `database` outlives the cache.
  static Result<std::unique_ptr<AttemptCache>> Prepare(const sql::Database& database);

  // Valid until Forget or Clear.
  Result<Reporter*> Find(AttemptId attempt, std::uint32_t rank);

  // The series of the names, made where missing; 0 for a name over the limits. Valid until the next
  // call for the same reporter.
  Result<std::span<const std::int64_t>> SeriesOf(Reporter& reporter,
                                                 const std::vector<std::string>& names);

  // It has ended: nothing more is expected of it.
  void Forget(AttemptId attempt, std::uint32_t rank);
  // The transaction failed, or the tables were changed by others.
  void Clear();

  // Writes the numbers given out so far, inside the caller's transaction.
  Status PutNumbers();
  Result<std::int64_t> NextLogLine();

 private:
  Status ReadNumbers();
  Status ReadSeries(Reporter& reporter);
  Result<std::int64_t> MakeSeries(Reporter& reporter, const std::string& name);

  struct Key {
    std::uint64_t attempt = 0;
    std::uint32_t rank = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const {
      return key.attempt * 0x9e3779b97f4a7c15ULL + key.rank;
    }
  };

  sql::Statement select_number_;
  sql::Statement put_number_;
  sql::Statement select_ref_;
  sql::Statement select_cursor_;
  sql::Statement select_series_;
  sql::Statement put_series_;
  std::unordered_map<Key, Reporter, Hash> reporters_;
  bool numbers_known_ = false;
  std::int64_t last_series_ = 0;
  std::int64_t last_log_line_ = 0;
};

}  // namespace fusor
