#include "coordinator/store/artifact_store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "common/base/sha256.h"
#include "tests/unit/store/store_fixture.h"

namespace fusor {
namespace {

namespace fs = std::filesystem;

class ArtifactStoreTest : public testing::Test {
 protected:
  ArtifactStore& Files() {
    if (!files_) {
      Result<std::unique_ptr<ArtifactStore>> opened = ArtifactStore::Open(directory_.path());
      EXPECT_TRUE(opened.ok()) << opened.status().ToString();
      files_ = std::move(opened).value();
    }
    return *files_;
  }

  Status Store(const std::string& content) {
    Result<std::unique_ptr<Upload>> upload = Files().Begin(Sha256Hex(content), content.size());
    if (!upload.ok()) return upload.status();
    RETURN_IF_ERROR((*upload)->Append((*upload)->offset(),
                                      std::string_view(content).substr((*upload)->offset())));
    return (*upload)->Finish();
  }

  std::string Read(const std::string& sha256) {
    Result<ArtifactStore::Content> content = Files().Read(sha256);
    if (!content.ok()) return content.status().ToString();
    std::string bytes(content->bytes, '\0');
    EXPECT_EQ(*content->file.ReadAt(0, bytes), bytes.size());
    return bytes;
  }

  void Commit(const std::vector<Write>& writes) {
    const Status status = state_->Commit(writes);
    ASSERT_TRUE(status.ok()) << status.ToString();
  }

  // Collects, and forgets what was dealt with. How many contents that were.
  std::size_t Collect() {
    const Result<std::vector<std::string>> collected = Files().Collect(*reader_);
    EXPECT_TRUE(collected.ok()) << collected.status().ToString();
    EXPECT_TRUE(state_->ForgetGarbage(*collected).ok());
    return collected->size();
  }

  // As after a restart, an hour or more later.
  void ReopenMuchLater() {
    files_.reset();
    for (const auto& entry : fs::recursive_directory_iterator(directory_.path())) {
      if (!entry.is_regular_file()) continue;
      fs::last_write_time(entry.path(), fs::last_write_time(entry.path()) - age_);
    }
  }

  const TempDirectory directory_;
  std::chrono::hours age_{2};
  std::unique_ptr<ArtifactStore> files_;
  std::unique_ptr<StateStore> state_ = OpenState(directory_);
  std::unique_ptr<StateReader> reader_ =
      std::move(StateReader::Open(state_->read_door(), 1)).value();
  const std::string content_ = std::string(3'000'000, 'a') + "end";
  const std::string sha256_ = Sha256Hex(content_);
  const TrialKey trial_ = Key(1, 0, 0);
};

TEST_F(ArtifactStoreTest, StoresByContent) {
  ASSERT_TRUE(Store(content_).ok());
  EXPECT_EQ(Read(sha256_), content_);
  EXPECT_TRUE(Files().Find(sha256_, content_.size())->is_complete);
  EXPECT_EQ(Files().PathOf(sha256_),
            directory_.path() / "artifacts" / sha256_.substr(0, 2) / sha256_);
  EXPECT_TRUE(fs::is_empty(directory_.path() / "uploads"));
  EXPECT_EQ(Store(content_).code(), Code::kAlreadyExists);
  EXPECT_TRUE(Store("").ok());
  EXPECT_EQ(Files().Read(std::string(64, '0')).status().code(), Code::kNotFound);
}

TEST_F(ArtifactStoreTest, AnUploadGoesOnWhereItStopped) {
  for (const std::uint64_t end : {1'000'000, 2'500'000}) {
    auto upload = Files().Begin(sha256_, content_.size());
    ASSERT_TRUE(upload.ok());
    const std::uint64_t offset = (*upload)->offset();
    ASSERT_TRUE((*upload)->Append(offset, content_.substr(offset, end - offset)).ok());
    EXPECT_EQ((*upload)->Append(0, "x").code(), Code::kFailedPrecondition);
    EXPECT_EQ((*upload)->Finish().code(), Code::kFailedPrecondition);
    upload->reset();
    EXPECT_EQ(Files().Find(sha256_, content_.size())->offset, end);
    files_.reset();  // the coordinator starts anew
  }
  ASSERT_TRUE(Store(content_).ok());
  EXPECT_EQ(Read(sha256_), content_);
}

TEST_F(ArtifactStoreTest, WrongBytesAreRefusedAndStartOver) {
  {
    auto upload = Files().Begin(sha256_, content_.size());
    ASSERT_TRUE((*upload)->Append(0, std::string(content_.size(), 'b')).ok());
    EXPECT_EQ((*upload)->Append(content_.size(), "more").code(), Code::kInvalidArgument);
    EXPECT_EQ((*upload)->Finish().code(), Code::kDataLoss);
  }
  EXPECT_EQ(Files().Find(sha256_, content_.size())->offset, 0U);
  EXPECT_EQ(Files().Read(sha256_).status().code(), Code::kNotFound);
  EXPECT_TRUE(Store(content_).ok());
}

TEST_F(ArtifactStoreTest, OneCallAtATimeUploadsAContent) {
  auto first = Files().Begin(sha256_, content_.size());
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(Files().Begin(sha256_, content_.size()).status().code(), Code::kUnavailable);
  first->reset();
  EXPECT_TRUE(Files().Begin(sha256_, content_.size()).ok());
}

TEST_F(ArtifactStoreTest, NamesThatAreNoHashAreRefused) {
  const std::string bad[] = {"", "../../etc/passwd", std::string(64, 'A'), std::string(63, 'a')};
  for (const std::string& name : bad) {
    EXPECT_EQ(Files().Begin(name, 1).status().code(), Code::kInvalidArgument) << name;
    EXPECT_EQ(Files().Find(name, 1).status().code(), Code::kInvalidArgument) << name;
    EXPECT_EQ(Files().Read(name).status().code(), Code::kInvalidArgument) << name;
  }
  EXPECT_EQ(Files().Begin(sha256_, ~0ULL).status().code(), Code::kResourceExhausted);
  ASSERT_TRUE(Store(content_).ok());
  EXPECT_EQ(Files().Find(sha256_, 5).status().code(), Code::kInvalidArgument);
}

TEST_F(ArtifactStoreTest, AFullDiskKeepsWhatWasSent) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  rlimit limit = before;
  limit.rlim_cur = 1'500'000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  Status status;
  {
    auto upload = Files().Begin(sha256_, content_.size());
    ASSERT_TRUE((*upload)->Append(0, content_.substr(0, 1'000'000)).ok());
    status = (*upload)->Append(1'000'000, content_.substr(1'000'000, 1'000'000));
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  EXPECT_EQ(status.code(), Code::kResourceExhausted) << status.ToString();
  EXPECT_EQ(Files().Find(sha256_, content_.size())->offset, 1'000'000U);
  EXPECT_TRUE(Store(content_).ok());
  EXPECT_EQ(Read(sha256_), content_);
}

TEST_F(ArtifactStoreTest, AnUploadThatCannotFitIsRefusedAtOnce) {
  EXPECT_EQ(Files().Begin(sha256_, 1ULL << 40).status().code(), Code::kResourceExhausted);
}

TEST_F(ArtifactStoreTest, AFileGoesAfterItsLastRow) {
  ASSERT_TRUE(Store(content_).ok());
  Commit({SampleSweep(1), SampleArtifact(1, trial_, "checkpoint", sha256_),
          SampleArtifact(2, trial_, "model", sha256_)});
  ReopenMuchLater();
  Commit({RemoveArtifact{{1}}});
  EXPECT_EQ(Collect(), 1U);
  EXPECT_TRUE(fs::exists(Files().PathOf(sha256_)));
  Commit({RemoveArtifact{{2}}});
  EXPECT_EQ(Collect(), 1U);
  EXPECT_FALSE(fs::exists(Files().PathOf(sha256_)));
  EXPECT_EQ(Collect(), 0U);
}

TEST_F(ArtifactStoreTest, ARemovedSweepTakesItsFilesAlong) {
  ASSERT_TRUE(Store(content_).ok());
  Commit({SampleSweep(1), SampleArtifact(1, trial_, "model", sha256_)});
  Commit({RemoveSweep{{1}}});
  while (state_->has_cleanup()) Commit({});
  ReopenMuchLater();
  EXPECT_EQ(Collect(), 1U);
  EXPECT_FALSE(fs::exists(Files().PathOf(sha256_)));
}

TEST_F(ArtifactStoreTest, AFileThatAWorkerWasToldIsCompleteStaysForItsRow) {
  ASSERT_TRUE(Store(content_).ok());
  Commit({SampleSweep(1), SampleArtifact(1, trial_, "checkpoint", sha256_)});
  ReopenMuchLater();
  ASSERT_TRUE(Files().Find(sha256_, content_.size())->is_complete);
  Commit({RemoveArtifact{{1}}});
  EXPECT_EQ(Collect(), 0U);
  // The coordinator starts anew, and knows nothing of the claim but the file's time.
  files_.reset();
  EXPECT_EQ(Collect(), 0U);
  EXPECT_EQ(Read(sha256_), content_);
  Commit({SampleArtifact(2, trial_, "checkpoint", sha256_)});
  EXPECT_EQ(reader_->GarbageContents(10)->size(), 0U);
}

TEST_F(ArtifactStoreTest, OrphansGoWhenTheyAreOld) {
  ASSERT_TRUE(Store(content_).ok());
  ASSERT_TRUE(Store("kept").ok());
  Commit({SampleSweep(1), SampleArtifact(1, trial_, "model", Sha256Hex("kept"))});
  {
    auto partial = Files().Begin(Sha256Hex("partial"), 7);
    ASSERT_TRUE((*partial)->Append(0, "par").ok());
  }
  EXPECT_EQ(*Files().RemoveOrphans(*reader_), 0U);
  age_ = std::chrono::hours(8 * 24);
  ReopenMuchLater();
  EXPECT_EQ(*Files().RemoveOrphans(*reader_), 2U);
  EXPECT_EQ(Read(Sha256Hex("kept")), "kept");
  EXPECT_FALSE(fs::exists(Files().PathOf(sha256_)));
}

}  // namespace
}  // namespace fusor
