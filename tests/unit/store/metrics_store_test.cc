#include "coordinator/store/metrics_store.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "common/base/limits.h"
#include "coordinator/store/metrics_reader.h"
#include "tests/unit/store/store_fixture.h"

namespace fusor {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Fact Metrics(std::uint64_t number, std::vector<std::string> names, std::vector<std::int64_t> steps,
             std::vector<std::vector<double>> values) {
  return {number, MetricsFact{std::move(names), std::move(steps), std::move(values), 1'000}};
}

Fact Loss(std::uint64_t number, std::int64_t step, double value) {
  return Metrics(number, {"loss"}, {step}, {{value}});
}

Fact Log(std::uint64_t number, const std::string& text) {
  return {number, LogFact{5, false, text}};
}

Fact Started(std::uint64_t number, std::int64_t resumed_from) {
  return {number, StartedFact{resumed_from, true, "", {}}};
}

FactsForMetrics Batch(std::uint64_t attempt, const TrialKey& trial, std::vector<Fact> facts,
                      std::uint32_t rank = 0) {
  return {{attempt}, trial, rank, std::move(facts)};
}

class MetricsStoreTest : public testing::Test {
 protected:
  void Commit(const std::vector<FactsForMetrics>& batches) {
    const Status status = store_->Commit(batches);
    ASSERT_TRUE(status.ok()) << status.ToString();
  }

  MetricsReader& Reader() {
    if (!reader_) {
      Result<std::unique_ptr<MetricsReader>> reader = MetricsReader::Open(store_->read_door(), 2);
      EXPECT_TRUE(reader.ok()) << reader.status().ToString();
      reader_ = std::move(reader).value();
    }
    return *reader_;
  }

  std::uint64_t Cursor(std::uint64_t attempt, std::uint32_t rank = 0) {
    const Result<std::uint64_t> cursor = store_->Cursor({attempt}, rank);
    EXPECT_TRUE(cursor.ok());
    return cursor.ok() ? *cursor : 0;
  }

  std::int64_t Count(const std::string& query) {
    const Result<std::int64_t> count = OpenBeside(directory_, "metrics.db").QueryInt(query);
    EXPECT_TRUE(count.ok()) << count.status().ToString();
    return count.ok() ? *count : -1;
  }

  // The trial's points of one name, in one page.
  PointColumns Points(const TrialKey& trial, const std::string& name, bool superseded = false) {
    PointQuery query;
    query.trial = trial;
    query.names = {name};
    query.include_superseded = superseded;
    const Result<PointPage> page = Reader().Points(query);
    EXPECT_TRUE(page.ok()) << page.status().ToString();
    if (!page.ok() || page->columns.empty()) return {};
    EXPECT_EQ(page->columns.size(), 1U);
    return page->columns[0];
  }

  void Reopen() {
    reader_.reset();
    store_.reset();
    store_ = OpenMetrics(directory_);
  }

  const TempDirectory directory_;
  std::unique_ptr<MetricsStore> store_ = OpenMetrics(directory_);
  std::unique_ptr<MetricsReader> reader_;
  const TrialKey trial_ = Key(1, 0, 4);
};

TEST_F(MetricsStoreTest, KeepsPointsAndTheCursorOverARestart) {
  Commit({Batch(1, trial_,
                {Started(1, -1), Metrics(2, {"loss", "lr"}, {1, 2}, {{4, 3}, {0.1, 0.2}})})});
  Reopen();
  EXPECT_EQ(Cursor(1), 2U);
  const PointColumns loss = Points(trial_, "loss");
  EXPECT_EQ(loss.steps, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(loss.values, (std::vector<double>{4, 3}));
  EXPECT_EQ(loss.times_ms, (std::vector<std::int64_t>{1'000, 1'000}));
  EXPECT_EQ(Points(trial_, "lr").values, (std::vector<double>{0.1, 0.2}));
}

TEST_F(MetricsStoreTest, RepeatedFactsCountOnce) {
  const std::vector<Fact> facts = {Loss(1, 1, 5), Log(2, "hello\n"), Loss(3, 2, 4)};
  Commit({Batch(1, trial_, facts)});
  std::vector<Fact> overlapping = facts;
  overlapping.push_back(Loss(4, 3, 3));
  Commit({Batch(1, trial_, overlapping)});
  Commit({Batch(1, trial_, facts)});
  EXPECT_EQ(Cursor(1), 4U);
  EXPECT_EQ(Count("SELECT count(*) FROM point"), 3);
  EXPECT_EQ(Count("SELECT count(*) FROM log"), 1);
}

TEST_F(MetricsStoreTest, ABatchThatLeavesAGapIsLeftOutAndTheOthersStay) {
  Commit({Batch(1, trial_, {Loss(1, 1, 5)})});
  Commit({Batch(1, trial_, {Loss(3, 3, 3)}), Batch(2, Key(1, 0, 5), {Loss(1, 1, 7)})});
  EXPECT_EQ(Cursor(1), 1U);
  EXPECT_EQ(Cursor(2), 1U);
  Commit({Batch(1, trial_, {Loss(2, 2, 4), Loss(4, 4, 2)})});
  EXPECT_EQ(Cursor(1), 1U);
  EXPECT_EQ(Points(trial_, "loss").steps, (std::vector<std::int64_t>{1}));
  Commit({Batch(1, trial_, {Loss(2, 2, 4), Loss(3, 3, 3)})});
  EXPECT_EQ(Cursor(1), 3U);
}

TEST_F(MetricsStoreTest, OfTwoPointsAtOneStepTheLaterOneStays) {
  Commit({Batch(1, trial_, {Loss(1, 7, 5), Loss(2, 7, 4)})});
  EXPECT_EQ(Points(trial_, "loss").values, (std::vector<double>{4}));
  Commit({Batch(1, trial_, {Loss(3, 7, 3), Loss(4, 6, 9)})});
  EXPECT_EQ(Points(trial_, "loss").values, (std::vector<double>{9, 3}));
}

TEST_F(MetricsStoreTest, SystemSeriesKeepEverySampleOfAStep) {
  Commit({Batch(1, trial_,
                {Metrics(1, {"system/cpu", "loss"}, {5}, {{10}, {1}}),
                 Metrics(2, {"system/cpu"}, {5}, {{20}})})});
  EXPECT_EQ(Points(trial_, "system/cpu").values, (std::vector<double>{10, 20}));
  const std::vector<AttemptId> attempts = {{1}, {99}};
  const Result<std::vector<SystemValue>> latest = Reader().LatestSystem(attempts);
  ASSERT_TRUE(latest.ok());
  ASSERT_EQ(latest->size(), 1U);
  EXPECT_EQ(latest->front().name, "system/cpu");
  EXPECT_EQ(latest->front().value, 20);
}

TEST_F(MetricsStoreTest, ALaterAttemptSupersedesWhatLiesBehindItsCheckpoint) {
  Commit({Batch(1, trial_,
                {Started(1, -1),
                 Metrics(2, {"loss", "system/cpu"}, {1, 2, 3, 4}, {{9, 8, 7, 6}, {1, 1, 1, 1}})})});
  Commit({Batch(2, trial_, {Started(1, 2), Metrics(2, {"loss"}, {3, 4}, {{70, 60}})})});
  EXPECT_EQ(Points(trial_, "loss").values, (std::vector<double>{9, 8, 70, 60}));
  EXPECT_EQ(Points(trial_, "loss").attempts, (std::vector<AttemptId>{{1}, {1}, {2}, {2}}));
  EXPECT_EQ(Points(trial_, "loss", true).values, (std::vector<double>{9, 8, 7, 6, 70, 60}));
  EXPECT_EQ(Points(trial_, "system/cpu").values.size(), 4U);
  EXPECT_EQ(Count("SELECT count(*) FROM trial_point WHERE name = 'loss' AND superseded"), 2);

  // A zombie's points arrive late: they are superseded all the same.
  Commit({Batch(1, trial_, {Loss(3, 5, 5)})});
  EXPECT_EQ(Points(trial_, "loss").values, (std::vector<double>{9, 8, 70, 60}));
  // A third attempt starts over from before the second one.
  ASSERT_TRUE(store_->Supersede(trial_, {3}, 1).ok());
  EXPECT_EQ(Points(trial_, "loss").values, (std::vector<double>{9}));
  Commit({Batch(3, trial_, {Started(1, 1), Loss(2, 2, 800)})});
  EXPECT_EQ(Points(trial_, "loss").values, (std::vector<double>{9, 800}));
}

TEST_F(MetricsStoreTest, NumbersThatAreNotFiniteComeBackAsTheyWere) {
  Commit(
      {Batch(1, trial_, {Metrics(1, {"loss"}, {1, 2, 3, 4}, {{kNan, kInfinity, -kInfinity, 2}})})});
  const std::vector<double> values = Points(trial_, "loss").values;
  ASSERT_EQ(values.size(), 4U);
  EXPECT_TRUE(std::isnan(values[0]));
  EXPECT_EQ(values[1], kInfinity);
  EXPECT_EQ(values[2], -kInfinity);
  EXPECT_EQ(Count("SELECT count(*) FROM point WHERE value = 0 AND nonfinite > 0"), 3);
  const auto series = Reader().Series(trial_);
  ASSERT_TRUE(series.ok());
  EXPECT_EQ(series->front().min, 2);
  EXPECT_EQ(series->front().max, 2);
}

TEST_F(MetricsStoreTest, EvaluationsAreSeriesToo) {
  Commit({Batch(1, trial_,
                {{1, EvaluationFact{10, 1, 2'000, {{"val/accuracy", 0.5}, {"val/loss", 2}}}}})});
  EXPECT_EQ(Points(trial_, "val/accuracy").values, (std::vector<double>{0.5}));
  EXPECT_EQ(Points(trial_, "val/loss").times_ms, (std::vector<std::int64_t>{2'000}));
}

// Resumed behind its best step, a trial evaluates its best model again.
TEST_F(MetricsStoreTest, WhatAResumedAttemptEvaluatesAgainIsThereOnce) {
  const auto test = [](std::uint64_t number, std::int64_t step) {
    return Fact{number, EvaluationFact{step, 1, 2'000, {{"test/accuracy", 0.5}}}};
  };
  Commit({Batch(1, trial_, {Started(1, -1), Loss(2, 8, 1), test(3, 8), test(4, 4)}),
          Batch(2, trial_, {Started(1, 10), test(2, 8)})});
  const auto points = Points(trial_, "test/accuracy");
  EXPECT_EQ(points.values, (std::vector<double>{0.5, 0.5})) << "of steps 4 and 8";
  EXPECT_EQ(Points(trial_, "loss").values.size(), 1U);
}

TEST_F(MetricsStoreTest, SummarizesSeriesOverAttempts) {
  Commit({Batch(1, trial_, {Started(1, -1), Metrics(2, {"loss"}, {1, 2, 3}, {{9, 1, 5}})}),
          Batch(2, trial_, {Started(1, 2), Metrics(2, {"loss", "acc"}, {3}, {{4}, {0.5}})})});
  const auto series = Reader().Series(trial_);
  ASSERT_TRUE(series.ok());
  ASSERT_EQ(series->size(), 2U);
  EXPECT_EQ((*series)[0].name, "acc");
  const SeriesSummary& loss = (*series)[1];
  EXPECT_EQ(loss.points, 3U);
  EXPECT_EQ(loss.last_step, 3);
  EXPECT_EQ(loss.last, 4);
  EXPECT_EQ(loss.min, 1);
  EXPECT_EQ(loss.max, 9);
  const auto values = Reader().LastValues(trial_, {"loss", "acc"}, 2);
  ASSERT_TRUE(values.ok());
  ASSERT_EQ(values->size(), 1U);
  EXPECT_EQ(values->front().value, 1);
}

TEST_F(MetricsStoreTest, PagesThroughSeriesAndAttempts) {
  std::vector<Fact> facts = {Started(1, -1)};
  for (int i = 0; i < 10; ++i) {
    facts.push_back(
        Metrics(facts.size() + 1, {"a", "b", "system/x"}, {i}, {{i * 1.0}, {i * 2.0}, {1}}));
  }
  Commit(
      {Batch(1, trial_, facts), Batch(2, trial_, {Started(1, 4), Metrics(2, {"a"}, {5}, {{50}})})});
  PointQuery query;
  query.trial = trial_;
  query.limit = 3;
  std::vector<double> a;
  std::vector<double> b;
  std::size_t system = 0;
  for (int pages = 0; pages < 20; ++pages) {
    const Result<PointPage> page = Reader().Points(query);
    ASSERT_TRUE(page.ok());
    for (const PointColumns& column : page->columns) {
      if (column.name == "a") a.insert(a.end(), column.values.begin(), column.values.end());
      if (column.name == "b") b.insert(b.end(), column.values.begin(), column.values.end());
      if (column.name == "system/x") system += column.values.size();
    }
    if (!page->next) break;
    query.after = page->next;
  }
  EXPECT_EQ(a, (std::vector<double>{0, 1, 2, 3, 4, 50}));
  EXPECT_EQ(b, (std::vector<double>{0, 2, 4, 6, 8}));
  EXPECT_EQ(system, 10U);
}

TEST_F(MetricsStoreTest, FollowsPointsAsTheyArrive) {
  Commit({Batch(1, trial_, {Started(1, -1), Loss(2, 1, 9)})});
  auto first = Reader().Arrived(trial_, {}, {});
  ASSERT_TRUE(first.ok());
  ASSERT_EQ(first->columns.size(), 1U);
  EXPECT_EQ(first->cursor, (PointCursor{{1}, 2}));
  // An evaluation of an earlier step comes after the points of a later one.
  Commit({Batch(1, trial_, {Loss(3, 5, 5), {4, EvaluationFact{2, 0, 1, {{"val", 1.0}}}}})});
  auto second = Reader().Arrived(trial_, {}, first->cursor);
  ASSERT_TRUE(second.ok());
  ASSERT_EQ(second->columns.size(), 2U);
  EXPECT_EQ(second->columns[0].steps, (std::vector<std::int64_t>{5}));
  EXPECT_EQ(second->columns[1].steps, (std::vector<std::int64_t>{2}));
  auto third = Reader().Arrived(trial_, {}, second->cursor);
  ASSERT_TRUE(third.ok());
  EXPECT_TRUE(third->columns.empty());
  Commit({Batch(2, trial_, {Started(1, 1), Loss(2, 2, 8)})});
  auto fourth = Reader().Arrived(trial_, {}, third->cursor);
  ASSERT_TRUE(fourth.ok());
  EXPECT_TRUE(fourth->resync);
  auto anew = Reader().Arrived(trial_, {"loss"}, fourth->cursor);
  ASSERT_TRUE(anew.ok());
  ASSERT_EQ(anew->columns.size(), 1U);
  EXPECT_EQ(anew->columns[0].values, (std::vector<double>{9, 8}));
  EXPECT_EQ(anew->cursor, (PointCursor{{2}, 2}));
}

TEST_F(MetricsStoreTest, LogLinesAreInterleavedByArrivalAndKeepAnyByte) {
  const TrialKey other = Key(1, 0, 5);
  const std::string bytes("\xff\x00z", 3);
  Commit({Batch(1, trial_, {Log(1, "one\ntwo\n")}), Batch(2, other, {Log(1, "else")}),
          Batch(1, trial_, {Log(2, bytes)}), Batch(3, Key(2, 0, 0), {Log(1, "other sweep")})});
  const auto sweep = Reader().Logs({{1}, {}}, 0, 100);
  ASSERT_TRUE(sweep.ok());
  std::vector<std::string> texts;
  for (const LogRow& line : *sweep) texts.push_back(line.text);
  EXPECT_EQ(texts, (std::vector<std::string>{"one", "two", "else", bytes}));
  EXPECT_EQ((*sweep)[2].trial, other);
  EXPECT_EQ((*sweep)[0].time_ms, 5);

  const auto rest = Reader().Logs({{1}, trial_}, (*sweep)[0].cursor, 1);
  ASSERT_TRUE(rest.ok());
  ASSERT_EQ(rest->size(), 1U);
  EXPECT_EQ(rest->front().text, "two");

  for (const LogScope& scope : {LogScope{{1}, {}}, LogScope{{1}, trial_}}) {
    const Result<std::uint64_t> tail = Reader().LogTail(scope, 2);
    ASSERT_TRUE(tail.ok());
    const auto lines = Reader().Logs(scope, *tail, 100);
    ASSERT_TRUE(lines.ok());
    ASSERT_EQ(lines->size(), 2U);
    EXPECT_EQ(lines->back().text, bytes);
    EXPECT_EQ(*Reader().LogTail(scope, 100), 0U);
  }
}

TEST_F(MetricsStoreTest, LinesAreCutAtTheLimit) {
  Commit({Batch(1, trial_, {Log(1, std::string(limits::kLogLineBytesMax + 10, 'x') + "\nnext")})});
  const auto lines = Reader().Logs({{1}, trial_}, 0, 10);
  ASSERT_TRUE(lines.ok());
  ASSERT_EQ(lines->size(), 2U);
  EXPECT_EQ((*lines)[0].text.size(), limits::kLogLineBytesMax);
  EXPECT_EQ((*lines)[1].text, "next");
}

TEST_F(MetricsStoreTest, LogNumbersGoOnAfterARestart) {
  Commit({Batch(1, trial_, {Log(1, "before")})});
  Reopen();
  Commit({Batch(2, Key(1, 0, 5), {Log(1, "after"), Loss(2, 1, 1)})});
  const auto lines = Reader().Logs({{1}, {}}, 0, 10);
  ASSERT_TRUE(lines.ok());
  ASSERT_EQ(lines->size(), 2U);
  EXPECT_EQ((*lines)[1].text, "after");
}

TEST_F(MetricsStoreTest, KeepsTheLatestProgress) {
  Commit({Batch(1, trial_,
                {{1, ProgressFact{1, 10, 0, "load"}}, {2, ProgressFact{5, 10, 1, "train"}}})});
  const std::vector<AttemptId> attempts = {{1}, {2}};
  const auto progress = Reader().Progress(attempts);
  ASSERT_TRUE(progress.ok());
  ASSERT_EQ(progress->size(), 1U);
  EXPECT_EQ(progress->front().step, 5);
  EXPECT_EQ(progress->front().phase, "train");
}

TEST_F(MetricsStoreTest, SeriesOverTheLimitAreCountedAndDropped) {
  std::vector<std::string> names;
  std::vector<std::vector<double>> values;
  for (std::size_t i = 0; i < limits::kSeriesPerAttemptMax + 3; ++i) {
    names.push_back("m" + std::to_string(i));
    values.push_back({1.0});
  }
  Commit({Batch(1, trial_, {Metrics(1, names, {1}, values)})});
  EXPECT_EQ(Cursor(1), 1U);
  EXPECT_EQ(Count("SELECT count(*) FROM series"),
            static_cast<std::int64_t>(limits::kSeriesPerAttemptMax));
  EXPECT_EQ(Count("SELECT points_dropped FROM attempt_ref"), 3);
}

TEST_F(MetricsStoreTest, ColumnsThatDoNotFitTogetherDoNoHarm) {
  Commit({Batch(1, trial_, {Metrics(1, {"a", "b", "c"}, {1, 2}, {{1}, {1, 2, 3}})})});
  EXPECT_EQ(Points(trial_, "a").values.size(), 1U);
  EXPECT_EQ(Points(trial_, "b").values.size(), 2U);
  EXPECT_EQ(Cursor(1), 1U);
}

TEST_F(MetricsStoreTest, RanksHaveCursorsOfTheirOwn) {
  Commit({Batch(1, trial_, {Loss(1, 1, 1)}),
          Batch(1, trial_, {Metrics(1, {"system/gpu"}, {1}, {{3}})}, 1)});
  EXPECT_EQ(Cursor(1, 0), 1U);
  EXPECT_EQ(Cursor(1, 1), 1U);
  EXPECT_EQ(Points(trial_, "system/gpu").values, (std::vector<double>{3}));
}

TEST_F(MetricsStoreTest, RemovesASweepAndNothingElse) {
  std::vector<FactsForMetrics> batches;
  for (std::uint64_t attempt = 1; attempt <= 500; ++attempt) {
    batches.push_back(Batch(attempt, Key(1 + attempt % 2, 0, attempt),
                            {Started(1, -1),
                             Loss(2, 1, 1),
                             Log(3, "x"),
                             Metrics(4, {"system/cpu"}, {1}, {{1}}),
                             {5, ProgressFact{1, 2, 0, ""}}}));
  }
  Commit(batches);
  EXPECT_EQ(store_->Sweeps()->size(), 2U);
  for (bool more = true; more;) {
    const Result<bool> slice = store_->RemoveSlice({1});
    ASSERT_TRUE(slice.ok());
    more = *slice;
  }
  ASSERT_EQ(store_->Sweeps()->size(), 1U);
  EXPECT_EQ(store_->Sweeps()->front(), SweepId{2});
  for (const char* table :
       {"attempt_ref", "series", "point", "sample", "log", "progress", "cursor"}) {
    const std::int64_t per_attempt = std::string(table) == "series" ? 2 : 1;
    EXPECT_EQ(Count(std::string("SELECT count(*) FROM ") + table), 250 * per_attempt) << table;
  }
  EXPECT_EQ(Count("SELECT count(*) FROM attempt_ref WHERE sweep = 1"), 0);
}

TEST_F(MetricsStoreTest, ASecondOpenIsRefused) {
  const auto second = MetricsStore::Open({.directory = directory_.path()});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), Code::kFailedPrecondition);
}

}  // namespace
}  // namespace fusor
