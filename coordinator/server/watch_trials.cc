#include "coordinator/server/watch_trials.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "coordinator/server/metric_read.h"
#include "coordinator/server/trial_convert.h"

namespace fusor {

namespace {

constexpr std::size_t kLinesPerMessage = 1'000;
// About a megabyte.
constexpr std::size_t kPointsPerMessage = 50'000;
// A PointCursor in one number: the attempt's number within its trial, and the fact.
constexpr int kFactBits = 40;
constexpr std::uint64_t kFactMask = (1ULL << kFactBits) - 1;

Result<PointCursor> ToPlace(std::uint64_t cursor, const AttemptNumbers& numbers) {
  if (cursor == 0) return PointCursor{};
  for (const auto& [attempt, number] : numbers) {
    if (number == cursor >> kFactBits) return PointCursor{attempt, cursor & kFactMask};
  }
  return InvalidArgument("cursor: not one of this trial's");
}

std::uint64_t ToCursor(const PointCursor& place, const AttemptNumbers& numbers) {
  const auto found = numbers.find(place.attempt);
  if (found == numbers.end()) return 0;
  return (static_cast<std::uint64_t>(found->second) << kFactBits) | (place.fact & kFactMask);
}

// `count` points of the column from its point `first` on.
PointColumns Cut(const PointColumns& from, std::size_t first, std::size_t count) {
  const auto part = [&](const auto& values) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(first);
    return std::decay_t<decltype(values)>(begin, begin + static_cast<std::ptrdiff_t>(count));
  };
  return {from.name, part(from.steps), part(from.values), part(from.times_ms), part(from.attempts)};
}

}  // namespace

Status LogWatch::Resolve() {
  LogScope scope;
  if (!request_.trial().empty()) {
    Result<ResolvedTrial> trial = ResolveTrial(request_.trial(), *edge_.readers, *edge_.specs);
    if (!trial.ok()) return trial.status();
    scope = {trial->key.sweep, trial->key};
    model_ = std::move(trial->model);
  } else {
    const Result<SweepId> sweep = ResolveSweep(request_.sweep(), *edge_.readers);
    if (!sweep.ok()) return sweep.status();
    scope.sweep = *sweep;
    Result<std::shared_ptr<const SweepModel>> model =
        edge_.specs->Get(*sweep, *edge_.readers->state);
    if (!model.ok()) return model.status();
    model_ = std::move(*model);
  }
  if (request_.tail() > 0 && cursor_ == 0) {
    const Result<std::uint64_t> tail = edge_.readers->metrics->LogTail(scope, request_.tail());
    if (!tail.ok()) return tail.status();
    cursor_ = *tail;
  }
  scope_ = scope;
  return Ok();
}

Result<std::size_t> LogWatch::AddLines(const std::vector<LogRow>& rows,
                                       v1::WatchLogsResponse& response) {
  std::size_t bytes = 0;
  for (const LogRow& row : rows) {
    if (bytes > kPageBytes) break;
    bytes += row.text.size() + 100;
    if (!numbers_.contains(row.attempt.value)) {
      const auto numbers = ReadAttemptNumbers(*edge_.readers, row.trial);
      if (!numbers.ok()) return numbers.status();
      for (const auto& [attempt, number] : *numbers) numbers_[attempt.value] = number;
    }
    *response.add_lines() = ToWire(row, *model_, numbers_[row.attempt.value]);
    cursor_ = row.cursor;
  }
  return static_cast<std::size_t>(response.lines_size());
}

Result<bool> LogWatch::Over() {
  bool over = true;
  RETURN_IF_ERROR(AskCore(edge_, [&](const Core& core, Time) {
    if (scope_->trial) {
      over = IsTerminal(core.ViewTrial(*scope_->trial).state);
      return;
    }
    for (const SweepView::Stage& stage : core.ViewSweep(scope_->sweep).stages) {
      for (int i = 0; i < kTrialStates; ++i) {
        const bool open = !IsTerminal(static_cast<TrialState>(i));
        if (open && stage.counts[static_cast<std::size_t>(i)] > 0) over = false;
      }
    }
  }));
  return over;
}

Result<WatchNews> LogWatch::Next(const WatchRound& round, v1::WatchLogsResponse& response) {
  if (!scope_) RETURN_IF_ERROR(Resolve());
  // Asked before the lines are read: what a terminal trial wrote is all there then.
  bool last = !request_.follow();
  if (!last) {
    const Result<bool> over = Over();
    last = over.ok() && *over;
  }
  if (!last && read_once_ && read_at_ == round.stored) return WatchNews::kNothing;
  const Result<std::vector<LogRow>> rows =
      edge_.readers->metrics->Logs(*scope_, cursor_, kLinesPerMessage);
  if (!rows.ok()) return rows.status();
  const Result<std::size_t> taken = AddLines(*rows, response);
  if (!taken.ok()) return taken.status();
  const bool full = rows->size() == kLinesPerMessage || *taken < rows->size();
  if (!full) {
    read_at_ = round.stored;
    read_once_ = true;
  }
  if (last && !full) return rows->empty() ? WatchNews::kEnd : WatchNews::kLast;
  return rows->empty() ? WatchNews::kNothing : WatchNews::kMessage;
}

Status MetricsWatch::Resolve() {
  Result<ResolvedTrial> trial = ResolveTrial(request_.trial(), *edge_.readers, *edge_.specs);
  if (!trial.ok()) return trial.status();
  const auto numbers = ReadAttemptNumbers(*edge_.readers, trial->key);
  if (!numbers.ok()) return numbers.status();
  const Result<PointCursor> place = ToPlace(request_.cursor(), *numbers);
  if (!place.ok()) return place.status();
  trial_ = std::move(*trial);
  cursor_ = *place;
  sent_cursor_ = request_.cursor();
  return Ok();
}

Result<bool> MetricsWatch::Over() {
  bool over = false;
  RETURN_IF_ERROR(AskCore(edge_, [&](const Core& core, Time) {
    over = IsTerminal(core.ViewTrial(trial_->key).state);
  }));
  return over;
}

Result<bool> MetricsWatch::Look(const WatchRound& round) {
  // Asked first: what a terminal trial reported is all there then.
  const Result<bool> over = Over();
  const bool last = over.ok() && *over;
  if (!last && read_once_ && read_at_ == round.stored) return false;
  const std::vector<std::string> names(request_.names().begin(), request_.names().end());
  Result<ArrivedPoints> arrived = edge_.readers->metrics->Arrived(trial_->key, names, *cursor_);
  if (!arrived.ok()) return arrived.status();
  auto numbers = ReadAttemptNumbers(*edge_.readers, trial_->key);
  if (!numbers.ok()) return numbers.status();
  numbers_ = std::move(*numbers);
  cursor_ = arrived->cursor;
  // After a resync everything is still to be read.
  read_once_ = !arrived->resync;
  read_at_ = round.stored;
  Batch batch{.columns = std::move(arrived->columns),
              .cursor = ToCursor(*cursor_, numbers_),
              .resync = arrived->resync,
              .last = last && !arrived->resync};
  if (batch.last) {
    auto lone = ReadLoneEvaluations(*edge_.readers, trial_->key, names);
    if (!lone.ok()) return lone.status();
    for (PointColumns& column : *lone) batch.columns.push_back(std::move(column));
  }
  if (batch.columns.empty() && !batch.resync && !batch.last) return false;
  batch_ = std::move(batch);
  return true;
}

WatchNews MetricsWatch::Send(v1::WatchMetricsResponse& response) {
  Batch& batch = *batch_;
  response.set_resync(std::exchange(batch.resync, false));
  std::size_t room = kPointsPerMessage;
  while (batch.column < batch.columns.size() && room > 0) {
    const PointColumns& from = batch.columns[batch.column];
    const std::size_t count = std::min(room, from.steps.size() - batch.point);
    *response.add_points() = ToWire(Cut(from, batch.point, count), numbers_);
    room -= count;
    batch.point += count;
    if (batch.point < from.steps.size()) break;
    batch.point = 0;
    ++batch.column;
  }
  const bool whole = batch.column == batch.columns.size();
  const bool last = whole && batch.last;
  // A reader that is cut off in between gets the whole of it again.
  if (whole) sent_cursor_ = batch.cursor;
  response.set_cursor(sent_cursor_);
  response.set_ended(last);
  if (whole) batch_.reset();
  return last ? WatchNews::kLast : WatchNews::kMessage;
}

Result<WatchNews> MetricsWatch::Next(const WatchRound& round, v1::WatchMetricsResponse& response) {
  if (!trial_) RETURN_IF_ERROR(Resolve());
  if (!batch_) {
    const Result<bool> news = Look(round);
    if (!news.ok()) return news.status();
    if (!*news) return WatchNews::kNothing;
  }
  return Send(response);
}

}  // namespace fusor
