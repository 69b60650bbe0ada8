#include "coordinator/store/trial_series.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

namespace fusor {

namespace {

constexpr std::int64_t kNoEnd = std::numeric_limits<std::int64_t>::max();

constexpr char kSelectAttempts[] =
    "SELECT attempt, started, resumed_from_step FROM attempt_ref"
    " WHERE sweep = ? AND stage = ? AND cell = ? ORDER BY attempt";
constexpr char kSelectSeries[] =
    "SELECT rank, name, id FROM series WHERE attempt = ? ORDER BY rank, name";

}  // namespace

Result<std::vector<AttemptSpan>> SpansOf(ReaderPool::Lease& lease, const TrialKey& trial) {
  const Result<sql::Statement*> select = lease.Prepare(kSelectAttempts);
  if (!select.ok()) return select.status();
  (*select)->Start(trial.sweep.value, trial.stage, trial.cell);
  std::vector<AttemptSpan> spans;
  while ((*select)->Next()) {
    sql::Columns columns(**select);
    const AttemptId attempt{columns.Int<std::uint64_t>()};
    const bool has_started = columns.Int() != 0;
    const std::int64_t resumed_from = columns.Int();
    if (has_started) {
      for (AttemptSpan& earlier : spans) {
        earlier.last_step = std::min(earlier.last_step, resumed_from);
      }
    }
    spans.push_back({attempt, kNoEnd});
  }
  if (!(*select)->status().ok()) return (*select)->status();
  return spans;
}

Result<std::vector<SeriesRef>> SeriesOf(ReaderPool::Lease& lease,
                                        const std::vector<AttemptSpan>& spans,
                                        const std::vector<std::string>& names) {
  const Result<sql::Statement*> select = lease.Prepare(kSelectSeries);
  if (!select.ok()) return select.status();
  std::vector<SeriesRef> series;
  for (const AttemptSpan& span : spans) {
    (*select)->Start(span.attempt.value);
    while ((*select)->Next()) {
      sql::Columns columns(**select);
      SeriesRef ref;
      ref.attempt = span.attempt;
      ref.rank = columns.Int<std::uint32_t>();
      ref.name = columns.Text();
      ref.id = columns.Int();
      ref.is_system = ref.name.starts_with("system/");
      ref.last_step = ref.is_system ? kNoEnd : span.last_step;
      const bool is_wanted =
          names.empty() || std::find(names.begin(), names.end(), ref.name) != names.end();
      if (is_wanted) series.push_back(std::move(ref));
    }
    if (!(*select)->status().ok()) return (*select)->status();
  }
  std::sort(series.begin(), series.end(), [](const SeriesRef& a, const SeriesRef& b) {
    return std::tie(a.name, a.attempt, a.rank) < std::tie(b.name, b.attempt, b.rank);
  });
  return series;
}

}  // namespace fusor
