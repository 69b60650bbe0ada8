#include "coordinator/store/backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "common/base/sha256.h"
#include "coordinator/store/artifact_store.h"
#include "coordinator/store/verify.h"
#include "tests/unit/store/store_fixture.h"

namespace fusor {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A small but complete data directory: a sweep with a running trial, points, and two files.
class BackupTest : public testing::Test {
 protected:
  BackupTest() {
    files_ = std::move(ArtifactStore::Open(data_.path())).value();
    for (const std::string content : {"weights", "table"}) {
      auto upload = std::move(files_->Begin(Sha256Hex(content), content.size())).value();
      EXPECT_TRUE(upload->Append(0, content).ok());
      EXPECT_TRUE(upload->Finish().ok());
    }
    PutArtifact table = SampleArtifact(2, key_, "csv", Sha256Hex("table"));
    table.file.bytes = 5;
    const Status status = state_->Commit(std::vector<Write>{
        SampleSweep(1), SampleTrial(key_, TrialState::kRunning),
        SampleAttempt(1, key_, 1, AttemptState::kRunning), PutCursor{{1}, 0, 2},
        SampleArtifact(1, key_, "model", Sha256Hex("weights")), table, SampleEvent(1, key_)});
    EXPECT_TRUE(status.ok()) << status.ToString();
    AddPoint(1, 1);
    AddPoint(1, 2);
  }

  void AddPoint(std::uint64_t attempt, std::uint64_t number) {
    const std::vector<FactsForMetrics> batches = {
        {{attempt},
         key_,
         0,
         {{number, MetricsFact{{"loss"}, {static_cast<std::int64_t>(number)}, {{1.0}}, 5}}}}};
    const Status status = metrics_->Commit(batches);
    EXPECT_TRUE(status.ok()) << status.ToString();
  }

  void Close() {
    EXPECT_TRUE(state_->Close().ok());
    state_.reset();
    metrics_.reset();
    files_.reset();
  }

  std::vector<std::string> Problems(const fs::path& data,
                                    VerifyDepth depth = VerifyDepth::kContents) {
    const Result<VerifyReport> report = Verify(data, depth);
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    return report.ok() ? report->problems : std::vector<std::string>{"unreadable"};
  }

  const TempDirectory data_;
  const TempDirectory elsewhere_;
  const fs::path backup_ = elsewhere_.path() / "backup";
  const fs::path restored_ = elsewhere_.path() / "restored";
  const TrialKey key_ = Key(1, 0, 0);
  std::unique_ptr<StateStore> state_ = OpenState(data_);
  std::unique_ptr<MetricsStore> metrics_ = OpenMetrics(data_);
  std::unique_ptr<ArtifactStore> files_;
};

TEST_F(BackupTest, ARestoredBackupIsTheSameClusterInANewGeneration) {
  const auto backup = Backup({data_.path(), backup_, true});
  ASSERT_TRUE(backup.ok()) << backup.status().ToString();
  EXPECT_EQ(backup->artifacts, 2U);
  EXPECT_EQ(backup->artifact_bytes, 12U);
  EXPECT_EQ(backup->rows_dropped, 0U);
  const auto restore = Restore({backup_, restored_});
  ASSERT_TRUE(restore.ok()) << restore.status().ToString();
  EXPECT_EQ(restore->artifacts, 2U);
  EXPECT_GT(restore->generation, state_->generation());
  EXPECT_THAT(Problems(restored_), IsEmpty());

  auto state = StateStore::Open({.directory = restored_});
  ASSERT_TRUE(state.ok()) << state.status().ToString();
  EXPECT_EQ((*state)->cluster_id(), state_->cluster_id());
  EXPECT_EQ((*state)->generation(), restore->generation);
  const Result<Snapshot> snapshot = (*state)->Load(ParseSample);
  ASSERT_TRUE(snapshot.ok());
  EXPECT_EQ(snapshot->live_attempts.size(), 1U);
  auto metrics = MetricsStore::Open({.directory = restored_});
  ASSERT_TRUE(metrics.ok()) << metrics.status().ToString();
  EXPECT_EQ(*(*metrics)->Cursor({1}, 0), 2U);
}

TEST_F(BackupTest, IsConsistentWhileTheDaemonWrites) {
  // Facts go to metrics.db first, then to state.db, as the loop does it.
  std::thread writer([this] {
    for (std::uint64_t number = 3; number < 400; ++number) {
      AddPoint(1, number);
      EXPECT_TRUE(
          state_->Commit(std::vector<Write>{PutCursor{{1}, 0, number}, SampleEvent(number, key_)})
              .ok());
    }
  });
  for (int i = 0; i < 5; ++i) {
    const std::string number = std::to_string(i);
    const auto backup = Backup({data_.path(), backup_.string() + number, false});
    ASSERT_TRUE(backup.ok()) << backup.status().ToString();
    const auto restore = Restore({backup_.string() + number, restored_.string() + number});
    ASSERT_TRUE(restore.ok()) << restore.status().ToString();
    EXPECT_THAT(Problems(restored_.string() + number), IsEmpty());
  }
  writer.join();
  EXPECT_THAT(Problems(data_.path()), IsEmpty());
}

TEST_F(BackupTest, WithoutFilesTheRowsOfFilesGoToo) {
  ASSERT_TRUE(Backup({data_.path(), backup_, false}).ok());
  const auto restore = Restore({backup_, restored_});
  ASSERT_TRUE(restore.ok());
  EXPECT_EQ(restore->rows_dropped, 2U);
  EXPECT_THAT(Problems(restored_), IsEmpty());
}

TEST_F(BackupTest, FilesThatAreThereAlreadyAreUsed) {
  ASSERT_TRUE(Backup({data_.path(), backup_, false}).ok());
  fs::create_directories(restored_);
  fs::copy(data_.path() / "artifacts", restored_ / "artifacts", fs::copy_options::recursive);
  const auto restore = Restore({backup_, restored_});
  ASSERT_TRUE(restore.ok());
  EXPECT_EQ(restore->rows_dropped, 0U);
  EXPECT_EQ(restore->artifacts, 0U);
}

TEST_F(BackupTest, AttemptsGrantedAfterTheBackupLeaveNoTrace) {
  ASSERT_TRUE(Backup({data_.path(), backup_, true}).ok());
  {
    // As if metrics.db had been copied a little later than state.db.
    sql::Database metrics =
        std::move(sql::Database::Open(backup_ / "metrics.db", sql::Access::kWrite)).value();
    ASSERT_TRUE(metrics
                    .Execute("INSERT INTO attempt_ref VALUES (2, 1, 0, 0, 1, -1, 0);"
                             "INSERT INTO cursor VALUES (2, 0, 9);"
                             "INSERT INTO series VALUES (2, 0, 'loss', 50);"
                             "INSERT INTO point VALUES (50, 1, 0.5, 0, 1, 1)")
                    .ok());
  }
  EXPECT_EQ(Restore({backup_, restored_}).status().code(), Code::kDataLoss);
  const std::string sha256 = Sha256Hex([&] {
    std::ifstream file(backup_ / "metrics.db", std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }());
  std::string manifest;
  {
    std::ifstream file(backup_ / "manifest.json");
    std::getline(file, manifest);
  }
  const std::string field = "\"metrics_sha256\":\"";
  manifest.replace(manifest.find(field) + field.size(), 64, sha256);
  std::ofstream(backup_ / "manifest.json") << manifest;

  ASSERT_TRUE(Restore({backup_, restored_}).ok());
  auto metrics = MetricsStore::Open({.directory = restored_});
  ASSERT_TRUE(metrics.ok());
  EXPECT_EQ(*(*metrics)->Cursor({1}, 0), 2U);
  EXPECT_EQ(*(*metrics)->Cursor({2}, 0), 0U);
  EXPECT_THAT(Problems(restored_), IsEmpty());
}

TEST_F(BackupTest, RefusesWhatWouldOverwriteOrCannotBeTrusted) {
  ASSERT_TRUE(Backup({data_.path(), backup_, true}).ok());
  EXPECT_EQ(Backup({data_.path(), backup_, true}).status().code(), Code::kFailedPrecondition);
  EXPECT_THAT(Restore({backup_, data_.path()}).status().message(), HasSubstr("in use"));
  Close();
  const Status taken = Restore({backup_, data_.path()}).status();
  EXPECT_EQ(taken.code(), Code::kFailedPrecondition);
  EXPECT_THAT(taken.message(), HasSubstr("move it away"));
  fs::remove(backup_ / "manifest.json");
  EXPECT_THAT(Restore({backup_, restored_}).status().message(), HasSubstr("no complete backup"));
  EXPECT_FALSE(Backup({elsewhere_.path() / "nothing", elsewhere_.path() / "b2", false}).ok());
}

TEST_F(BackupTest, VerifyFindsLostAndDamagedFiles) {
  EXPECT_THAT(Problems(data_.path()), IsEmpty());
  const fs::path weights = files_->PathOf(Sha256Hex("weights"));
  std::ofstream(weights) << "weighty";
  EXPECT_THAT(Problems(data_.path(), VerifyDepth::kSizes), IsEmpty());
  EXPECT_THAT(Problems(data_.path()), ElementsAre(HasSubstr("is damaged")));
  std::ofstream(weights) << "x";
  EXPECT_THAT(Problems(data_.path()), ElementsAre(HasSubstr("has 1 bytes instead of 7")));
  fs::remove(weights);
  EXPECT_THAT(Problems(data_.path()), ElementsAre(HasSubstr("is missing")));
}

TEST_F(BackupTest, VerifyFindsRowsThatContradictEachOther) {
  const std::pair<const char*, const char*> damages[] = {
      {"DELETE FROM sweep", "trials without a sweep"},
      {"DELETE FROM trial", "attempts without a trial"},
      {"DELETE FROM lease", "live attempts without a lease"},
      {"UPDATE attempt SET state = 'ended'", "leases without a live attempt"},
      {"UPDATE attempt SET state = 'ended'", "running trials without a live attempt"},
      {"UPDATE lease SET fact = 3", "metrics.db: behind state.db for 1 attempt:"},
      {"UPDATE counter SET last = 0 WHERE name = 'attempt'", "attempts beyond the counter"},
  };
  Close();
  for (const auto& [damage, problem] : damages) {
    const sql::Database state = OpenBeside(data_, "state.db");
    ASSERT_TRUE(state.Execute("BEGIN").ok());
    fs::remove_all(restored_);
    fs::create_directories(restored_);
    fs::copy(data_.path() / "state.db", restored_ / "state.db");
    fs::copy(data_.path() / "metrics.db", restored_ / "metrics.db");
    fs::copy(data_.path() / "artifacts", restored_ / "artifacts", fs::copy_options::recursive);
    {
      const auto copy = sql::Database::Open(restored_ / "state.db", sql::Access::kWrite);
      ASSERT_TRUE(copy->Execute(damage).ok());
    }
    EXPECT_THAT(Problems(restored_), testing::Contains(HasSubstr(problem))) << damage;
  }
}

}  // namespace
}  // namespace fusor
