#include "coordinator/store/state_store.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/unit/store/store_fixture.h"

namespace fusor {
namespace {

Snapshot Load(StateStore& store) {
  Result<Snapshot> snapshot = store.Load(ParseSample);
  EXPECT_TRUE(snapshot.ok()) << snapshot.status().ToString();
  return snapshot.ok() ? std::move(snapshot).value() : Snapshot{};
}

void Commit(StateStore& store, const std::vector<Write>& writes) {
  const Status status = store.Commit(writes);
  EXPECT_TRUE(status.ok()) << status.ToString();
}

std::int64_t Count(const TempDirectory& directory, const std::string& query) {
  const sql::Database beside = OpenBeside(directory, "state.db");
  const Result<std::int64_t> count = beside.QueryInt(query);
  EXPECT_TRUE(count.ok()) << count.status().ToString();
  return count.ok() ? *count : -1;
}

// What a store gives back after a restart.
Snapshot Reload(const std::vector<Write>& writes) {
  const TempDirectory directory;
  {
    auto store = OpenState(directory);
    Commit(*store, writes);
  }
  return Load(*OpenState(directory));
}

const TrialKey kLive = Key(1, 0, 5);

TEST(StateStore, GivesBackEveryColumnOfASweep) {
  const PutSweep sweep = SampleSweep(1);
  const Snapshot snapshot = Reload({sweep, PutRequest{"r1", "cc", {1}, 4, At(1)}});
  ASSERT_EQ(snapshot.sweeps.size(), 1U);
  const PutSweep& loaded = snapshot.sweeps[0].row;
  EXPECT_EQ(loaded.id, sweep.id);
  EXPECT_EQ(loaded.name, sweep.name);
  EXPECT_EQ(loaded.source, sweep.source);
  EXPECT_EQ(loaded.overrides, sweep.overrides);
  EXPECT_EQ(loaded.extra_seeds, sweep.extra_seeds);
  EXPECT_EQ(loaded.state, sweep.state);
  EXPECT_EQ(loaded.priority, sweep.priority);
  EXPECT_EQ(loaded.max_running, sweep.max_running);
  EXPECT_EQ(loaded.releasing, sweep.releasing);
  EXPECT_EQ(loaded.fingerprints, sweep.fingerprints);
  EXPECT_EQ(loaded.submitted, sweep.submitted);
  EXPECT_EQ(loaded.ended, kNever);
  EXPECT_EQ(snapshot.sweeps[0].spec->stages.size(), 2U);
  EXPECT_EQ(snapshot.last_sweep, SweepId{1});

  ASSERT_EQ(snapshot.requests.size(), 1U);
  EXPECT_EQ(snapshot.requests[0].request_id, "r1");
  EXPECT_EQ(snapshot.requests[0].content_sha256, "cc");
  EXPECT_EQ(snapshot.requests[0].sweep, SweepId{1});
  EXPECT_EQ(snapshot.requests[0].count, 4U);
  EXPECT_EQ(snapshot.requests[0].time, At(1));
}

TEST(StateStore, GivesBackEveryColumnOfATrial) {
  const PutTrial trial = SampleTrial(kLive, TrialState::kRunning);
  const Snapshot snapshot = Reload({SampleSweep(1), trial});
  ASSERT_EQ(snapshot.live_trials.size(), 1U);
  const PutTrial& row = snapshot.live_trials[0];
  EXPECT_EQ(row.key, trial.key);
  EXPECT_EQ(row.state, trial.state);
  EXPECT_EQ(row.attempts, trial.attempts);
  EXPECT_EQ(row.crashes, trial.crashes);
  EXPECT_EQ(row.losses, trial.losses);
  EXPECT_EQ(row.other_failures, trial.other_failures);
  EXPECT_EQ(row.failure, trial.failure);
  EXPECT_EQ(row.reason, trial.reason);
  EXPECT_EQ(row.name, trial.name);
  EXPECT_EQ(row.config_hash, trial.config_hash);
  EXPECT_EQ(row.params, trial.params);
  EXPECT_EQ(row.threads, trial.threads);
  EXPECT_EQ(row.step, trial.step);
  EXPECT_EQ(row.running_ms, trial.running_ms);
  EXPECT_EQ(row.limited_ms, trial.limited_ms);
  EXPECT_EQ(row.has_objective, trial.has_objective);
  EXPECT_EQ(row.objective, trial.objective);
  EXPECT_EQ(row.objective_step, trial.objective_step);
  EXPECT_EQ(row.precision_used, trial.precision_used);
  EXPECT_EQ(row.first_granted, trial.first_granted);
  EXPECT_EQ(row.ended, kNever);
}

TEST(StateStore, GivesBackEveryColumnOfAnAttempt) {
  const PutAttempt attempt = SampleAttempt(9, kLive, 2, AttemptState::kRunning);
  const Snapshot snapshot = Reload({SampleSweep(1), SampleTrial(kLive, TrialState::kRunning),
                                    attempt, PutCursor{{9}, 1, 77}, SampleEvent(12, kLive)});
  ASSERT_EQ(snapshot.live_attempts.size(), 1U);
  const PutAttempt& held = snapshot.live_attempts[0];
  EXPECT_EQ(held.id, attempt.id);
  EXPECT_EQ(held.trial, attempt.trial);
  EXPECT_EQ(held.number, attempt.number);
  EXPECT_EQ(held.state, attempt.state);
  EXPECT_EQ(held.worker, attempt.worker);
  EXPECT_EQ(held.slots, attempt.slots);
  EXPECT_EQ(held.failure, attempt.failure);
  EXPECT_EQ(held.code, attempt.code);
  EXPECT_EQ(held.detail, attempt.detail);
  EXPECT_EQ(held.resumed_from_step, attempt.resumed_from_step);
  EXPECT_EQ(held.bit_exact, attempt.bit_exact);
  EXPECT_EQ(held.precision_used, attempt.precision_used);
  EXPECT_EQ(held.info, attempt.info);
  EXPECT_EQ(held.log_tail, attempt.log_tail);
  EXPECT_EQ(held.granted_because, attempt.granted_because);
  EXPECT_EQ(held.granted, attempt.granted);
  EXPECT_EQ(held.started, attempt.started);
  EXPECT_EQ(held.ended, kNever);

  ASSERT_EQ(snapshot.cursors.size(), 1U);
  EXPECT_EQ(snapshot.cursors[0].attempt, AttemptId{9});
  EXPECT_EQ(snapshot.cursors[0].rank, 1U);
  EXPECT_EQ(snapshot.cursors[0].number, 77U);
  EXPECT_EQ(snapshot.last_attempt, AttemptId{9});
  EXPECT_EQ(snapshot.last_event, EventId{12});
}

TEST(StateStore, GivesBackEveryColumnOfWorkersAndArtifacts) {
  const PutWorker worker = SampleWorker(3);
  const PutArtifact checkpoint = SampleArtifact(4, kLive, "checkpoint", "aa");
  const Snapshot snapshot =
      Reload({SampleSweep(1), SampleTrial(kLive, TrialState::kRunning), worker, checkpoint});
  ASSERT_EQ(snapshot.artifacts.size(), 1U);
  EXPECT_EQ(snapshot.artifacts[0].id, checkpoint.id);
  EXPECT_EQ(snapshot.artifacts[0].attempt, checkpoint.attempt);
  EXPECT_EQ(snapshot.artifacts[0].trial, checkpoint.trial);
  EXPECT_EQ(snapshot.artifacts[0].kind, checkpoint.kind);
  EXPECT_EQ(snapshot.artifacts[0].step, checkpoint.step);
  EXPECT_EQ(snapshot.artifacts[0].file, checkpoint.file);
  EXPECT_EQ(snapshot.artifacts[0].time, checkpoint.time);
  EXPECT_EQ(snapshot.last_artifact, ArtifactId{4});

  ASSERT_EQ(snapshot.workers.size(), 1U);
  EXPECT_EQ(snapshot.workers[0].id, worker.id);
  EXPECT_EQ(snapshot.workers[0].info, worker.info);
  EXPECT_EQ(snapshot.workers[0].state, worker.state);
  EXPECT_EQ(snapshot.workers[0].reason, worker.reason);
  EXPECT_EQ(snapshot.workers[0].draining, worker.draining);
  EXPECT_EQ(snapshot.workers[0].drain_deadline, worker.drain_deadline);
  EXPECT_EQ(snapshot.workers[0].slot_notes, worker.slot_notes);
  EXPECT_EQ(snapshot.workers[0].seen, worker.seen);
  EXPECT_EQ(snapshot.last_worker, WorkerId{3});
}

TEST(StateStore, LoadsAStateForEveryTrialAndRowsOfThoseThatMayGoOn) {
  const TempDirectory directory;
  auto store = OpenState(directory);
  const TrialKey succeeded = Key(1, 0, 0);
  const TrialKey failed = Key(1, 0, 1);
  const TrialKey ready = Key(1, 1, 0);
  Commit(*store, {SampleSweep(1), SampleTrial(succeeded, TrialState::kSucceeded),
                  SampleTrial(failed, TrialState::kFailed), SampleTrial(ready, TrialState::kReady),
                  SampleAttempt(1, succeeded, 1, AttemptState::kGranted)});
  Commit(*store,
         {SampleAttempt(1, succeeded, 1, AttemptState::kEnded),
          SampleArtifact(1, succeeded, "checkpoint", "a1"),
          SampleArtifact(2, succeeded, "model", "a2"),
          SampleArtifact(3, failed, "checkpoint", "a3"), SampleArtifact(4, ready, "model", "a4")});
  const Snapshot snapshot = Load(*store);
  ASSERT_EQ(snapshot.sweeps[0].terminal.size(), 2U);
  EXPECT_EQ(snapshot.sweeps[0].terminal[0].state, TrialState::kSucceeded);
  EXPECT_EQ(snapshot.sweeps[0].terminal[1].state, TrialState::kFailed);
  EXPECT_EQ(snapshot.sweeps[0].terminal[1].cell, 1U);
  ASSERT_EQ(snapshot.live_trials.size(), 2U);
  EXPECT_EQ(snapshot.live_trials[0].key, failed);
  EXPECT_EQ(snapshot.live_trials[1].key, ready);
  EXPECT_TRUE(snapshot.live_attempts.empty());
  // The failed trial's checkpoint, and the model of the stage that the second one needs.
  ASSERT_EQ(snapshot.artifacts.size(), 2U);
  EXPECT_EQ(snapshot.artifacts[0].id, ArtifactId{3});
  EXPECT_EQ(snapshot.artifacts[1].id, ArtifactId{2});
}

TEST(StateStore, LoadsTheObjectivesThatCountOfTrialsThatMayGoOn) {
  const TempDirectory directory;
  auto store = OpenState(directory);
  const std::string metric = (*ParseSample(SampleSweep(1)))->objective.metric;
  const TrialKey ready = Key(1, 0, 1);
  const TrialKey succeeded = Key(1, 0, 0);
  PutAttempt second = SampleAttempt(2, ready, 2, AttemptState::kEnded);
  second.resumed_from_step = 10;
  PutTrial row = SampleTrial(ready, TrialState::kReady);
  row.has_objective = true;
  Commit(*store,
         {SampleSweep(1), row, SampleTrial(succeeded, TrialState::kSucceeded),
          SampleAttempt(1, ready, 1, AttemptState::kEnded), second,
          SampleEvaluation(1, ready, 5, metric, 0.5),
          SampleEvaluation(1, ready, 5, "another/metric", 0.1),
          SampleEvaluation(1, ready, 15, metric, 0.9), SampleEvaluation(2, ready, 15, metric, 0.7),
          SampleEvaluation(3, succeeded, 15, metric, 0.8)});
  const Snapshot snapshot = Load(*store);
  ASSERT_EQ(snapshot.objectives.size(), 2U);
  EXPECT_EQ(snapshot.objectives[0].step, 5);
  EXPECT_EQ(snapshot.objectives[0].value, 0.5);
  EXPECT_EQ(snapshot.objectives[1].attempt, AttemptId{2});
  EXPECT_EQ(snapshot.objectives[1].value, 0.7);
}

TEST(StateStore, TheLastOfSeveralWritesToARowStays) {
  const TempDirectory directory;
  auto store = OpenState(directory);
  const TrialKey key = Key(1, 0, 0);
  PutTrial first = SampleTrial(key, TrialState::kRunning);
  PutTrial second = SampleTrial(key, TrialState::kSucceeded);
  second.reason = "done";
  Commit(*store, {SampleSweep(1), first, SampleAttempt(1, key, 1, AttemptState::kGranted),
                  PutCursor{{1}, 0, 3}, SampleAttempt(1, key, 1, AttemptState::kEnded),
                  PutCursor{{1}, 0, 5}, second});
  EXPECT_EQ(Count(directory, "SELECT count(*) FROM trial WHERE reason = 'done'"), 1);
  EXPECT_EQ(Count(directory, "SELECT count(*) FROM attempt WHERE outcome = 'failed'"), 1);
  EXPECT_EQ(Count(directory, "SELECT count(*) FROM lease"), 0);
}

TEST(StateStore, CursorsLiveAndEndWithTheirAttempt) {
  const TempDirectory directory;
  auto store = OpenState(directory);
  const TrialKey key = Key(1, 0, 0);
  Commit(*store, {SampleSweep(1), SampleTrial(key, TrialState::kRunning), PutCursor{{1}, 0, 2},
                  SampleAttempt(1, key, 1, AttemptState::kGranted)});
  Commit(*store, {PutCursor{{1}, 0, 5}, PutCursor{{1}, 2, 1}, PutCursor{{9}, 0, 7}});
  Commit(*store, {SampleAttempt(1, key, 1, AttemptState::kRunning), PutCursor{{1}, 2, 3}});
  const Snapshot snapshot = Load(*store);
  EXPECT_EQ(snapshot.live_attempts.size(), 1U);
  ASSERT_EQ(snapshot.cursors.size(), 2U);
  EXPECT_EQ(snapshot.cursors[0].number, 5U);
  EXPECT_EQ(snapshot.cursors[1].rank, 2U);
  EXPECT_EQ(snapshot.cursors[1].number, 3U);
  Commit(*store, {PutCursor{{1}, 0, 8}, SampleAttempt(1, key, 1, AttemptState::kLost)});
  Commit(*store, {PutCursor{{1}, 0, 9}});
  EXPECT_EQ(Count(directory, "SELECT count(*) FROM lease"), 0);
  EXPECT_TRUE(Load(*store).cursors.empty());
}

TEST(StateStore, NumbersThatAreNotFiniteKeepTheirKind) {
  const TempDirectory directory;
  auto store = OpenState(directory);
  PutTrial trial = SampleTrial(Key(1, 0, 0), TrialState::kRunning);
  trial.objective = std::numeric_limits<double>::quiet_NaN();
  PutWorker worker = SampleWorker(3);
  worker.info.slots[0].memory_gib = std::numeric_limits<double>::infinity();
  Commit(*store,
         {SampleSweep(1), trial, worker,
          SampleEvaluation(1, trial.key, 1, "loss", std::numeric_limits<double>::quiet_NaN()),
          SampleEvaluation(1, trial.key, 2, "loss", -std::numeric_limits<double>::infinity())});
  EXPECT_TRUE(std::isnan(Load(*store).live_trials[0].objective));
  EXPECT_EQ(Count(directory, "SELECT nonfinite FROM evaluation WHERE step = 1"), 1);
  EXPECT_EQ(Count(directory, "SELECT nonfinite FROM evaluation WHERE step = 2"), 3);
  EXPECT_EQ(Count(directory, "SELECT count(*) FROM evaluation WHERE value = 0"), 2);
}

TEST(StateStore, NumbersNeverComeBackAfterTheirRowsAreGone) {
  const TempDirectory directory;
  auto store = OpenState(directory);
  const TrialKey key = Key(7, 0, 0);
  Commit(*store, {SampleSweep(7), SampleTrial(key, TrialState::kSucceeded),
                  SampleAttempt(50, key, 1, AttemptState::kEnded), SampleEvent(60, key),
                  SampleArtifact(70, key, "model", "aa")});
  Commit(*store, {RemoveSweep{{7}}});
  while (store->has_cleanup()) Commit(*store, {});
  for (const char* table :
       {"sweep", "trial", "attempt", "lease", "evaluation", "event", "artifact", "purge"}) {
    EXPECT_EQ(Count(directory, std::string("SELECT count(*) FROM ") + table), 0) << table;
  }
  const Snapshot snapshot = Load(*store);
  EXPECT_TRUE(snapshot.sweeps.empty());
  EXPECT_EQ(snapshot.last_sweep, SweepId{7});
  EXPECT_EQ(snapshot.last_attempt, AttemptId{50});
  EXPECT_EQ(snapshot.last_event, EventId{60});
  EXPECT_EQ(snapshot.last_artifact, ArtifactId{70});
}

TEST(StateStore, RemovesALargeSweepInSlicesAndLeavesTheOthers) {
  const TempDirectory directory;
  auto store = OpenState(directory);
  std::vector<Write> writes = {SampleSweep(1), SampleSweep(2)};
  std::uint64_t id = 0;
  for (std::uint64_t cell = 0; cell < 1'200; ++cell) {
    for (const std::uint64_t sweep : {1, 2}) {
      const TrialKey key = Key(sweep, 0, cell);
      ++id;
      writes.emplace_back(SampleTrial(key, TrialState::kSucceeded));
      writes.emplace_back(SampleAttempt(id, key, 1, AttemptState::kEnded));
      writes.emplace_back(PutCursor{{id}, 0, 1});
      writes.emplace_back(SampleEvent(id, key));
      writes.emplace_back(SampleEvaluation(id, key, 1, "loss", 1));
      writes.emplace_back(SampleArtifact(id, key, "model", std::to_string(id)));
    }
  }
  Commit(*store, writes);
  Commit(*store, {RemoveSweep{{1}}});
  EXPECT_TRUE(store->has_cleanup());
  EXPECT_GT(Count(directory, "SELECT count(*) FROM trial WHERE sweep = 1"), 0);
  EXPECT_EQ(Load(*store).sweeps.size(), 1U);
  while (store->has_cleanup()) Commit(*store, {});
  for (const char* table : {"trial", "attempt", "evaluation", "event", "artifact"}) {
    const std::string from = std::string(" FROM ") + table + " WHERE sweep = ";
    EXPECT_EQ(Count(directory, "SELECT count(*)" + from + "1"), 0) << table;
    EXPECT_EQ(Count(directory, "SELECT count(*)" + from + "2"), 1'200) << table;
  }
  EXPECT_EQ(Count(directory, "SELECT count(*) FROM artifact_garbage"), 1'200);
}

TEST(StateStore, AFileIsGarbageOnlyUntilARowNamesItAgain) {
  const TempDirectory directory;
  auto store = OpenState(directory);
  const TrialKey key = Key(1, 0, 0);
  Commit(*store, {SampleSweep(1), SampleArtifact(1, key, "checkpoint", "aa"),
                  SampleArtifact(2, key, "checkpoint", "bb")});
  Commit(*store, {RemoveArtifact{{1}}, RemoveArtifact{{2}}});
  EXPECT_EQ(Count(directory, "SELECT count(*) FROM artifact_garbage"), 2);
  Commit(*store, {SampleArtifact(3, key, "checkpoint", "aa")});
  EXPECT_EQ(Count(directory, "SELECT count(*) FROM artifact_garbage WHERE sha256 = 'bb'"), 1);
  EXPECT_EQ(Count(directory, "SELECT count(*) FROM artifact_garbage"), 1);
  const std::vector<std::string> collected = {"bb"};
  EXPECT_TRUE(store->ForgetGarbage(collected).ok());
  EXPECT_EQ(Count(directory, "SELECT count(*) FROM artifact_garbage"), 0);
}

TEST(StateStore, RequestsAreRememberedForSevenDays) {
  const TempDirectory directory;
  auto store = OpenState(directory);
  Commit(*store, {PutRequest{"old", "a", {1}, 0, At(0)}});
  const Time later = At(0) + std::chrono::hours(7 * 24);
  Commit(*store, {PutRequest{"new", "b", {2}, 0, later}});
  EXPECT_EQ(Load(*store).requests.size(), 2U);
  Commit(*store, {PutRequest{"newer", "c", {3}, 0, later + Duration(1)}});
  const Snapshot snapshot = Load(*store);
  ASSERT_EQ(snapshot.requests.size(), 2U);
  EXPECT_EQ(snapshot.requests[0].request_id, "new");
}

TEST(StateStore, ASweepThatCannotBeReadAnyMoreIsNamed) {
  const TempDirectory directory;
  auto store = OpenState(directory);
  PutSweep sweep = SampleSweep(3);
  sweep.source = "unreadable";
  Commit(*store, {sweep});
  const Result<Snapshot> snapshot = store->Load(ParseSample);
  ASSERT_FALSE(snapshot.ok());
  EXPECT_NE(snapshot.status().message().find("sweep 3"), std::string::npos);
}

TEST(StateStore, ClusterKeepsItsNameAndGeneration) {
  const TempDirectory directory;
  std::string name;
  {
    auto store = OpenState(directory);
    name = store->cluster_id();
    EXPECT_EQ(name.size(), 32U);
    EXPECT_EQ(store->generation(), 1U);
    EXPECT_TRUE(store->was_clean());
    EXPECT_TRUE(store->Close().ok());
  }
  {
    auto store = OpenState(directory);
    EXPECT_EQ(store->cluster_id(), name);
    EXPECT_TRUE(store->was_clean());
  }
  EXPECT_FALSE(OpenState(directory)->was_clean());
}

}  // namespace
}  // namespace fusor
