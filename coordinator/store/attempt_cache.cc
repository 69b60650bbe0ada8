#include "coordinator/store/attempt_cache.h"

#include <utility>

#include "common/base/limits.h"

namespace fusor {

namespace {

constexpr std::string_view kSelectNumber =
    "SELECT coalesce(max(last), 0) FROM counter WHERE name = ?";
constexpr std::string_view kPutNumber = "REPLACE INTO counter (name, last) VALUES (?,?)";
constexpr std::string_view kSelectRef =
    "SELECT resumed_from_step FROM attempt_ref WHERE attempt = ?";
constexpr std::string_view kSelectCursor =
    "SELECT number FROM cursor WHERE attempt = ? AND rank = ?";
constexpr std::string_view kSelectSeries =
    "SELECT name, id FROM series WHERE attempt = ? AND rank = ? ORDER BY name";
constexpr std::string_view kPutSeries =
    "REPLACE INTO series (attempt, rank, name, id) VALUES (?,?,?,?)";

// More reporters than can be alive at once: then those that vanished without a final fact are
// cleared out too.
constexpr std::size_t kReportersMax = 4 * limits::kWorkersMax;

}  // namespace

Result<std::unique_ptr<AttemptCache>> AttemptCache::Prepare(const sql::Database& database) {
  auto cache = std::make_unique<AttemptCache>();
  const std::pair<sql::Statement AttemptCache::*, std::string_view> texts[] = {
      {&AttemptCache::select_number_, kSelectNumber},
      {&AttemptCache::put_number_, kPutNumber},
      {&AttemptCache::select_ref_, kSelectRef},
      {&AttemptCache::select_cursor_, kSelectCursor},
      {&AttemptCache::select_series_, kSelectSeries},
      {&AttemptCache::put_series_, kPutSeries},
  };
  for (const auto& [statement, text] : texts) {
    RETURN_IF_ERROR(database.PrepareInto((*cache).*statement, text));
  }
  return cache;
}

Result<Reporter*> AttemptCache::Find(AttemptId attempt, std::uint32_t rank) {
  const Key key{attempt.value, rank};
  if (const auto place = reporters_.find(key); place != reporters_.end()) return &place->second;
  if (reporters_.size() >= kReportersMax) reporters_.clear();
  Reporter reporter;
  reporter.attempt = attempt;
  reporter.rank = rank;
  select_cursor_.Start(attempt.value, rank);
  if (select_cursor_.Next()) reporter.cursor = static_cast<std::uint64_t>(select_cursor_.Int(0));
  RETURN_IF_ERROR(select_cursor_.Finish());
  select_ref_.Start(attempt.value);
  reporter.has_ref = select_ref_.Next();
  if (reporter.has_ref) reporter.resumed_from = select_ref_.Int(0);
  RETURN_IF_ERROR(select_ref_.Finish());
  return &reporters_.emplace(key, std::move(reporter)).first->second;
}

Result<std::span<const std::int64_t>> AttemptCache::SeriesOf(
    Reporter& reporter, const std::vector<std::string>& names) {
  if (names == reporter.names) return std::span<const std::int64_t>(reporter.ids);
  if (!reporter.has_series) RETURN_IF_ERROR(ReadSeries(reporter));
  reporter.names.clear();  // stays empty when a series cannot be made
  reporter.ids.clear();
  for (const std::string& name : names) {
    const auto place = reporter.series.find(name);
    if (place != reporter.series.end()) {
      reporter.ids.push_back(place->second);
      continue;
    }
    const Result<std::int64_t> made = MakeSeries(reporter, name);
    if (!made.ok()) return made.status();
    reporter.ids.push_back(*made);
  }
  reporter.names = names;
  return std::span<const std::int64_t>(reporter.ids);
}

Status AttemptCache::ReadSeries(Reporter& reporter) {
  select_series_.Start(reporter.attempt.value, reporter.rank);
  while (select_series_.Next()) {
    reporter.series.emplace(select_series_.Text(0), select_series_.Int(1));
  }
  RETURN_IF_ERROR(select_series_.status());
  reporter.has_series = true;
  return Ok();
}

Result<std::int64_t> AttemptCache::MakeSeries(Reporter& reporter, const std::string& name) {
  if (reporter.series.size() >= limits::kSeriesPerAttemptMax ||
      name.size() > limits::kMetricNameBytesMax) {
    return std::int64_t{0};
  }
  if (!numbers_known_) RETURN_IF_ERROR(ReadNumbers());
  const std::int64_t id = ++last_series_;
  RETURN_IF_ERROR(put_series_.Run(reporter.attempt.value, reporter.rank, name, id));
  reporter.series.emplace(name, id);
  return id;
}

void AttemptCache::Forget(AttemptId attempt, std::uint32_t rank) {
  reporters_.erase({attempt.value, rank});
}

void AttemptCache::Clear() {
  reporters_.clear();
  numbers_known_ = false;
}

Status AttemptCache::ReadNumbers() {
  for (const auto& [name, place] :
       {std::pair<std::string_view, std::int64_t*>{"series", &last_series_},
        {"log", &last_log_line_}}) {
    select_number_.Start(name);
    *place = select_number_.Next() ? select_number_.Int(0) : 0;
    RETURN_IF_ERROR(select_number_.Finish());
  }
  numbers_known_ = true;
  return Ok();
}

Result<std::int64_t> AttemptCache::NextLogLine() {
  if (!numbers_known_) RETURN_IF_ERROR(ReadNumbers());
  return ++last_log_line_;
}

Status AttemptCache::PutNumbers() {
  if (!numbers_known_) return Ok();
  RETURN_IF_ERROR(put_number_.Run(std::string_view("series"), last_series_));
  return put_number_.Run(std::string_view("log"), last_log_line_);
}

}  // namespace fusor
