#include "coordinator/store/state_reader.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/unit/store/store_fixture.h"

namespace fusor {
namespace {

class StateReaderTest : public testing::Test {
 protected:
  void Commit(const std::vector<Write>& writes) {
    const Status status = store_->Commit(writes);
    ASSERT_TRUE(status.ok()) << status.ToString();
  }

  StateReader& Reader() {
    if (!reader_) {
      Result<std::unique_ptr<StateReader>> reader = StateReader::Open(store_->read_door(), 2);
      EXPECT_TRUE(reader.ok()) << reader.status().ToString();
      reader_ = std::move(reader).value();
    }
    return *reader_;
  }

  const TempDirectory directory_;
  std::unique_ptr<StateStore> store_ = OpenState(directory_);
  std::unique_ptr<StateReader> reader_;
};

TEST_F(StateReaderTest, ListsSweepsNewestFirstByPageAndState) {
  for (std::uint64_t id = 1; id <= 5; ++id) {
    PutSweep sweep = SampleSweep(id);
    sweep.state = id % 2 == 0 ? SweepState::kRunning : SweepState::kFinished;
    Commit({sweep});
  }
  SweepQuery query;
  query.limit = 2;
  auto page = Reader().ListSweeps(query);
  ASSERT_TRUE(page.ok()) << page.status().ToString();
  ASSERT_EQ(page->size(), 2U);
  EXPECT_EQ((*page)[0].id, SweepId{5});
  EXPECT_TRUE((*page)[0].source.empty());
  query.before = SweepId{4};
  query.states = {SweepState::kFinished, SweepState::kCanceled};
  query.with_source = true;
  page = Reader().ListSweeps(query);
  ASSERT_EQ(page->size(), 2U);
  EXPECT_EQ((*page)[0].id, SweepId{3});
  EXPECT_EQ((*page)[1].id, SweepId{1});
  EXPECT_EQ((*page)[0].source, SampleSweep(3).source);
  EXPECT_EQ(*Reader().NewestSweep(), SweepId{5});
  EXPECT_EQ(Reader().GetSweep({9}).status().code(), Code::kNotFound);
  EXPECT_EQ(Reader().GetSweep({2})->name, "sweep-2");
}

TEST_F(StateReaderTest, PagesTrialsInTheOrderOfStageAndCell) {
  std::vector<Write> writes = {SampleSweep(1), SampleSweep(2)};
  for (std::uint32_t stage = 0; stage < 3; ++stage) {
    for (std::uint64_t cell = 0; cell < 4; ++cell) {
      writes.emplace_back(SampleTrial(Key(1, stage, cell),
                                      cell == 3 ? TrialState::kFailed : TrialState::kSucceeded));
    }
  }
  writes.emplace_back(SampleTrial(Key(2, 0, 9), TrialState::kFailed));
  Commit(writes);

  TrialQuery query;
  query.sweep = {1};
  query.limit = 5;
  std::vector<TrialPosition> seen;
  while (true) {
    const auto page = Reader().ListTrials(query);
    ASSERT_TRUE(page.ok()) << page.status().ToString();
    if (page->empty()) break;
    for (const PutTrial& trial : *page) seen.push_back({trial.key.stage, trial.key.cell});
    query.after = seen.back();
  }
  ASSERT_EQ(seen.size(), 12U);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));

  query.after.reset();
  query.states = {TrialState::kFailed, TrialState::kCanceled};
  EXPECT_EQ(*Reader().CountTrials(query), 3U);
  query.stage = 1;
  const auto failed = Reader().ListTrials(query);
  ASSERT_EQ(failed->size(), 1U);
  EXPECT_EQ(failed->front().key, Key(1, 1, 3));
  query.states.clear();
  query.after = TrialPosition{1, 1};
  const auto states = Reader().ListStates(query);
  ASSERT_EQ(states->size(), 2U);
  EXPECT_EQ((*states)[1].position, (TrialPosition{1, 3}));
  EXPECT_EQ((*states)[1].state, TrialState::kFailed);
}

TEST_F(StateReaderTest, FindsATrialWithItsAttemptsAndEvents) {
  const TrialKey key = Key(1, 0, 1);
  Commit({SampleSweep(1), SampleTrial(key, TrialState::kRunning),
          SampleAttempt(7, key, 2, AttemptState::kRunning),
          SampleAttempt(3, key, 1, AttemptState::kEnded), SampleEvent(1, Key(1, 0, 0)),
          SampleEvent(2, key), SampleEvent(3, key), SampleEvent(4, Key(2, 0, 1))});
  const auto trial = Reader().FindTrial(key);
  ASSERT_TRUE(trial.ok() && trial->has_value());
  EXPECT_EQ((*trial)->reason, "because");
  EXPECT_FALSE(Reader().FindTrial(Key(1, 0, 2))->has_value());
  const auto attempts = Reader().Attempts(key);
  ASSERT_EQ(attempts->size(), 2U);
  EXPECT_EQ((*attempts)[0].id, AttemptId{3});
  EXPECT_EQ((*attempts)[0].outcome, OutcomeKind::kFailed);
  EXPECT_EQ((*attempts)[1].id, AttemptId{7});
  EXPECT_EQ(Reader().LiveAttempts(SweepId{1})->size(), 1U);
  EXPECT_EQ(Reader().LiveAttempts(SweepId{2})->size(), 0U);
  EXPECT_EQ(Reader().LiveAttempts(std::nullopt)->size(), 1U);
  const auto events = Reader().EventsOf(key, 10);
  ASSERT_EQ(events->size(), 2U);
  EXPECT_EQ((*events)[0].id, EventId{2});
  EXPECT_EQ((*events)[1].trial, key);
}

TEST_F(StateReaderTest, EventsComeAfterTheCursor) {
  PutEvent of_worker;
  of_worker.id = {5};
  of_worker.time = At(5);
  of_worker.kind = "worker_lost";
  of_worker.worker = {3};
  Commit({SampleSweep(1), SampleEvent(3, Key(1, 0, 0)), SampleEvent(4, Key(2, 0, 0)), of_worker,
          SampleEvent(6, Key(1, 0, 0))});
  const auto all = Reader().Events(std::nullopt, {3}, 2);
  ASSERT_EQ(all->size(), 2U);
  EXPECT_EQ((*all)[0].id, EventId{4});
  EXPECT_EQ((*all)[1].kind, "worker_lost");
  EXPECT_FALSE((*all)[1].has_trial);
  const auto of_sweep = Reader().Events(SweepId{1}, {3}, 10);
  ASSERT_EQ(of_sweep->size(), 1U);
  EXPECT_EQ((*of_sweep)[0].id, EventId{6});
  EXPECT_EQ((*of_sweep)[0].detail, "running -> failed");
  EXPECT_EQ(*Reader().LastEvent(), EventId{6});
}

TEST_F(StateReaderTest, TotalsCountTimesAndStates) {
  PutAttempt ended = SampleAttempt(1, Key(1, 0, 0), 1, AttemptState::kEnded);  // 3 to 9, two slots
  PutAttempt live = SampleAttempt(2, Key(1, 0, 1), 1, AttemptState::kRunning);
  live.slots.resize(1);
  PutAttempt granted = SampleAttempt(3, Key(1, 1, 0), 1, AttemptState::kGranted);
  granted.started = kNever;
  Commit({SampleSweep(1), SampleTrial(Key(1, 0, 0), TrialState::kSucceeded),
          SampleTrial(Key(1, 0, 1), TrialState::kRunning),
          SampleTrial(Key(1, 1, 0), TrialState::kRunning), ended, live, granted});
  const auto totals = Reader().Totals({1}, At(13));
  ASSERT_TRUE(totals.ok()) << totals.status().ToString();
  EXPECT_EQ(totals->running_ms, 6 + 10);
  EXPECT_EQ(totals->slot_ms, 12 + 10);
  EXPECT_EQ(totals->first_started, At(3));
  EXPECT_EQ(totals->last_ended, At(9));
  EXPECT_EQ(totals->stages.at(0)[static_cast<std::size_t>(TrialState::kSucceeded)], 1U);
  EXPECT_EQ(totals->stages.at(1)[static_cast<std::size_t>(TrialState::kRunning)], 1U);
}

TEST_F(StateReaderTest, TheBestIsNeverOneThatIsNotFiniteOrDidNotSucceed) {
  std::vector<Write> writes = {SampleSweep(1)};
  const double objectives[] = {0.5, 0.9, std::numeric_limits<double>::infinity(), 0.1,
                               std::numeric_limits<double>::quiet_NaN()};
  for (std::uint64_t cell = 0; cell < 5; ++cell) {
    PutTrial trial = SampleTrial(Key(1, 0, cell), TrialState::kSucceeded);
    trial.objective = objectives[cell];
    writes.emplace_back(trial);
  }
  PutTrial without = SampleTrial(Key(1, 1, 0), TrialState::kSucceeded);
  without.has_objective = false;
  without.objective = 0;
  writes.emplace_back(without);
  std::uint64_t cell = 5;
  for (const TrialState state : {TrialState::kFailed, TrialState::kCanceled}) {
    PutTrial lost = SampleTrial(Key(1, 0, cell++), state);
    lost.objective = 0.99;  // what did not succeed is no result
    writes.emplace_back(lost);
  }
  Commit(writes);
  EXPECT_EQ((*Reader().Best({1}, std::nullopt, Goal::kMaximize))->key.cell, 1U);
  EXPECT_EQ((*Reader().Best({1}, 0, Goal::kMinimize))->key.cell, 3U);
  EXPECT_FALSE(Reader().Best({1}, 1, Goal::kMaximize)->has_value());
  const auto but_the_best = [](const TrialPosition& trial) { return trial.cell != 1; };
  const auto second = Reader().Best({1}, 0, Goal::kMaximize, but_the_best);
  ASSERT_TRUE(second->has_value());
  EXPECT_NE((*second)->key.cell, 1U);
  EXPECT_FALSE(Reader()
                   .Best({1}, 0, Goal::kMaximize, [](const TrialPosition&) { return false; })
                   ->has_value());
}

TEST_F(StateReaderTest, ResultsTakeTheValueAtTheBestStepOfWhatCounts) {
  const TrialKey resumed = Key(1, 0, 0);
  const TrialKey plain = Key(1, 0, 1);
  PutTrial first = SampleTrial(resumed, TrialState::kSucceeded);
  first.objective_step = 30;
  PutTrial second = SampleTrial(plain, TrialState::kSucceeded);
  second.has_objective = false;
  PutAttempt zombie = SampleAttempt(1, resumed, 1, AttemptState::kLost);
  PutAttempt later = SampleAttempt(2, resumed, 2, AttemptState::kEnded);
  later.resumed_from_step = 10;
  PutAttempt never_started = SampleAttempt(3, resumed, 3, AttemptState::kLost);
  never_started.started = kNever;
  never_started.resumed_from_step = -1;
  Commit({SampleSweep(1), first, second, zombie, later, never_started,
          SampleEvaluation(1, resumed, 10, "acc", 0.1),
          SampleEvaluation(1, resumed, 20, "acc", 0.99),
          SampleEvaluation(2, resumed, 20, "acc", 0.2),
          SampleEvaluation(2, resumed, 30, "acc", 0.3), SampleEvaluation(2, resumed, 20, "f1", 0.7),
          SampleEvaluation(2, resumed, 40, "acc", 0.25), SampleEvaluation(4, plain, 5, "acc", 0.4),
          SampleEvaluation(4, plain, 50, "acc", 0.5), SampleEvaluation(4, plain, 50, "other", 1)});
  const auto values = Reader().ResultValues({1}, {"acc", "f1"});
  ASSERT_TRUE(values.ok()) << values.status().ToString();
  ASSERT_EQ(values->size(), 3U);
  EXPECT_EQ((*values)[0].metric, "acc");
  EXPECT_EQ((*values)[0].value, 0.3);
  EXPECT_EQ((*values)[1].metric, "f1");
  EXPECT_EQ((*values)[1].value, 0.7);
  EXPECT_EQ((*values)[2].trial, (TrialPosition{0, 1}));
  EXPECT_EQ((*values)[2].value, 0.5);

  const auto evaluations = Reader().Evaluations(resumed);
  ASSERT_EQ(evaluations->size(), 5U);
  EXPECT_EQ((*evaluations)[0].value, 0.1);
  EXPECT_EQ((*evaluations)[1].value, 0.2);
}

TEST_F(StateReaderTest, WhatAResumedAttemptEvaluatesAgainIsThereOnce) {
  const TrialKey trial = Key(1, 0, 0);
  PutEvaluation again = SampleEvaluation(2, trial, 8, "test/acc", 0.5);
  again.again = true;
  Commit({SampleSweep(1), SampleTrial(trial, TrialState::kRunning),
          SampleEvaluation(1, trial, 4, "test/acc", 0.4),
          SampleEvaluation(1, trial, 8, "test/acc", 0.5),
          SampleEvaluation(1, trial, 8, "val/acc", 0.6), again});
  const auto evaluations = Reader().Evaluations(trial);
  ASSERT_EQ(evaluations->size(), 3U);
  EXPECT_EQ(std::count_if(evaluations->begin(), evaluations->end(),
                          [](const PutEvaluation& row) { return row.name == "test/acc"; }),
            2);
}

TEST_F(StateReaderTest, FindsArtifactsBySweepTrialKindAndContent) {
  const TrialKey one = Key(1, 0, 0);
  const TrialKey two = Key(1, 0, 1);
  Commit({SampleSweep(1), SampleArtifact(1, one, "model", "aa"),
          SampleArtifact(2, one, "csv", "bb"), SampleArtifact(3, two, "model", "cc"),
          SampleArtifact(4, Key(2, 0, 0), "model", "aa")});
  ArtifactQuery query;
  query.sweep = {1};
  EXPECT_EQ(Reader().Artifacts(query)->size(), 3U);
  query.kinds = {"model", "report"};
  EXPECT_EQ(Reader().Artifacts(query)->size(), 2U);
  query.after = {1};
  EXPECT_EQ(Reader().Artifacts(query)->front().id, ArtifactId{3});
  query.after = {};
  query.trial = one;
  EXPECT_EQ(Reader().Artifacts(query)->size(), 1U);
  EXPECT_EQ((*Reader().FindArtifact({2}))->kind, "csv");
  EXPECT_FALSE(Reader().FindArtifact({9})->has_value());
  EXPECT_EQ((*Reader().FindContent("aa"))->id, ArtifactId{1});

  Commit({RemoveArtifact{{1}}, RemoveArtifact{{2}}});
  EXPECT_EQ(*Reader().GarbageContents(10), (std::vector<std::string>{"aa", "bb"}));
  EXPECT_TRUE(*Reader().IsReferenced("aa"));
  EXPECT_FALSE(*Reader().IsReferenced("bb"));
}

TEST_F(StateReaderTest, ReadsWorkers) {
  Commit({SampleWorker(3), SampleWorker(1)});
  const auto workers = Reader().Workers();
  ASSERT_EQ(workers->size(), 2U);
  EXPECT_EQ((*workers)[0].id, WorkerId{1});
  EXPECT_EQ((*workers)[1].info, SampleWorker(3).info);
}

TEST_F(StateReaderTest, SharesTheOneConnectionInExclusiveMode) {
  const TempDirectory directory;
  auto store = StateStore::Open({.directory = directory.path(), .exclusive = true});
  ASSERT_TRUE(store.ok()) << store.status().ToString();
  auto reader = StateReader::Open((*store)->read_door(), 4);
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  const std::vector<Write> writes = {SampleSweep(1), SampleTrial(Key(1, 0, 0), TrialState::kReady)};
  ASSERT_TRUE((*store)->Commit(writes).ok());
  EXPECT_EQ((*reader)->GetSweep({1})->name, "sweep-1");
  const std::vector<Write> more = {SampleTrial(Key(1, 0, 1), TrialState::kReady)};
  ASSERT_TRUE((*store)->Commit(more).ok());
  TrialQuery query;
  query.sweep = {1};
  EXPECT_EQ((*reader)->ListTrials(query)->size(), 2U);
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "state.db-shm"));
}

}  // namespace
}  // namespace fusor
