#include "worker/spool/spool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <fstream>
#include <mutex>

#include "common/base/random.h"
#include "tests/unit/worker/temp_dir.h"

namespace fusor::agent {
namespace {

constexpr TaskKey kTask{AttemptId{7}, 0};
constexpr TaskKey kOther{AttemptId{7}, 1};

Fact Log(std::uint64_t number, std::size_t bytes = 10) {
  return {.number = number,
          .body = LogFact{.text = std::to_string(number) + std::string(bytes, 'x')}};
}

class SpoolTest : public testing::Test {
 protected:
  void Open(std::string boot_id = "boot-1") {
    spool_.reset();
    options_.directory = dir_.path() / "spool";
    options_.boot_id = std::move(boot_id);
    auto spool = Spool::Open(options_, [this](TaskKey task, std::uint64_t number) {
      const std::lock_guard lock(mu_);
      synced_[task] = number;
      changed_.notify_all();
    });
    ASSERT_TRUE(spool.ok()) << spool.status().ToString();
    spool_ = std::move(*spool);
  }

  void Fill(TaskKey task, std::uint64_t from, std::uint64_t to, std::size_t bytes = 10) {
    for (std::uint64_t number = from; number <= to; ++number)
      spool_->Append(task, Log(number, bytes));
    ASSERT_TRUE(spool_->Flush().ok());
  }

  bool WaitForSync(TaskKey task, std::uint64_t number) {
    std::unique_lock lock(mu_);
    return changed_.wait_for(lock, std::chrono::seconds(20),
                             [&] { return synced_[task] >= number; });
  }

  // The numbers of all facts from `first` on, checking what they say.
  std::vector<std::uint64_t> ReadAll(TaskKey task, std::uint64_t first,
                                     std::uint64_t chunk = 1'000) {
    std::vector<std::uint64_t> numbers;
    const std::uint64_t last = LastOf(task);
    while (first <= last) {
      const SpoolRead read = spool_->Read(task, first, chunk);
      EXPECT_FALSE(read.damaged);
      if (read.damaged) break;
      for (const Fact& fact : read.facts) {
        EXPECT_EQ(fact.number, first++);
        EXPECT_TRUE(std::get<LogFact>(fact.body).text.starts_with(std::to_string(fact.number)));
        numbers.push_back(fact.number);
      }
    }
    return numbers;
  }

  std::uint64_t LastOf(TaskKey task) {
    for (const RestoredTask& restored : spool_->Restored()) {
      if (restored.task == task) return restored.last_number;
    }
    return 0;
  }

  std::vector<std::filesystem::path> Files(TaskKey task) {
    std::vector<std::filesystem::path> files;
    std::error_code none;
    for (const auto& entry :
         std::filesystem::directory_iterator(options_.directory / TaskName(task), none)) {
      files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  TempDir dir_;
  SpoolOptions options_;
  std::mutex mu_;
  std::condition_variable changed_;
  std::map<TaskKey, std::uint64_t> synced_;
  std::unique_ptr<Spool> spool_;  // last: its thread calls back
};

TEST_F(SpoolTest, GivesBackWhatWasAppendedAlsoAfterARestart) {
  Open();
  Fill(kTask, 1, 100);
  Fill(kOther, 1, 3);
  EXPECT_EQ(ReadAll(kTask, 1).size(), 100u);
  EXPECT_EQ(ReadAll(kTask, 57).size(), 44u);
  Open();
  EXPECT_EQ(ReadAll(kTask, 1).size(), 100u);
  EXPECT_EQ(ReadAll(kOther, 2).size(), 2u);
  Fill(kTask, 101, 120);
  EXPECT_EQ(ReadAll(kTask, 1).size(), 120u);
  EXPECT_TRUE(spool_->Read(kTask, 121, 1'000).damaged);
}

TEST_F(SpoolTest, RestoredTasksSayWhatIsKnownOfThem) {
  Open();
  Fill(kTask, 1, 2);
  Fill(kOther, 1, 1);
  spool_->Append(kOther, {.number = 2, .body = FinalFact{}});
  ASSERT_TRUE(spool_->Flush().ok());
  Open();
  std::vector<RestoredTask> restored = spool_->Restored();
  ASSERT_EQ(restored.size(), 2u);
  EXPECT_EQ(restored[0].last_number, 2u);
  EXPECT_FALSE(restored[0].has_final);
  EXPECT_TRUE(restored[0].tail_certain);
  EXPECT_TRUE(restored[1].has_final);
  // The machine was started anew in between.
  Open("boot-2");
  EXPECT_FALSE(spool_->Restored()[0].tail_certain);
  Open("boot-2");
  EXPECT_TRUE(spool_->Restored()[0].tail_certain);
}

TEST_F(SpoolTest, AnyTornTailIsCutAndGoneOnWith) {
  Open();
  Fill(kTask, 1, 20);
  const std::filesystem::path file = Files(kTask).at(0);
  std::string whole;
  {
    std::ifstream in(file, std::ios::binary);
    whole.assign(std::istreambuf_iterator<char>(in), {});
  }
  for (std::size_t length = 0; length < whole.size(); length += 7) {
    spool_.reset();
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary | std::ios::trunc) << whole.substr(0, length);
    Open();
    const std::uint64_t last = LastOf(kTask);
    EXPECT_EQ(ReadAll(kTask, 1).size(), last);
    Fill(kTask, last + 1, last + 5);
    EXPECT_EQ(ReadAll(kTask, 1).size(), last + 5);
  }
}

TEST_F(SpoolTest, AFlippedBitIsNoticed) {
  Open();
  Fill(kTask, 1, 20);
  const std::filesystem::path file = Files(kTask).at(0);
  {
    std::fstream io(file, std::ios::binary | std::ios::in | std::ios::out);
    io.seekp(40);
    io.put('\x7f');
  }
  EXPECT_TRUE(spool_->Read(kTask, 1, 100'000).damaged || spool_->Read(kTask, 5, 100'000).damaged);
}

TEST_F(SpoolTest, TrimRemovesWholeFilesAndNothingElse) {
  Open();
  Fill(kTask, 1, 30, 1 << 20);  // 1 MiB each: several files
  Fill(kTask, 31, 60, 1 << 20);
  const std::size_t files = Files(kTask).size();
  ASSERT_GE(files, 2u);
  spool_->Trim(kTask, 30);
  EXPECT_LT(Files(kTask).size(), files);
  EXPECT_EQ(ReadAll(kTask, 31, 3 << 20).size(), 30u);
  spool_->Trim(kTask, 60);
  EXPECT_EQ(Files(kTask).size(), 1u);
  spool_->Drop(kTask);
  EXPECT_FALSE(std::filesystem::exists(options_.directory / TaskName(kTask)));
  EXPECT_EQ(spool_->bytes(), 0u);
}

TEST_F(SpoolTest, SyncTellsUpToWhichNumber) {
  Open();
  Fill(kTask, 1, 5);
  spool_->Sync(kTask);
  EXPECT_TRUE(WaitForSync(kTask, 5));
  Fill(kTask, 6, 9);
  spool_->Sync(kTask);
  EXPECT_TRUE(WaitForSync(kTask, 9));
}

TEST_F(SpoolTest, WhatTheDiskRefusesStaysInOrderUntilItIsTaken) {
  Open();
  Fill(kTask, 1, 5);
  // A file size limit refuses writes as a full disk does, half of a record included.
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit tight{std::filesystem::file_size(Files(kTask).at(0)) + 30, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  for (std::uint64_t number = 6; number <= 10; ++number) spool_->Append(kTask, Log(number));
  EXPECT_FALSE(spool_->Flush().ok());
  EXPECT_TRUE(spool_->HasUnwritten());
  EXPECT_EQ(spool_->Level(true), SpoolLevel::kFull);
  spool_->Sync(kTask);
  spool_->Append(kTask, Log(11));
  EXPECT_FALSE(spool_->Flush().ok());
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_TRUE(spool_->Flush().ok());
  EXPECT_FALSE(spool_->HasUnwritten());
  EXPECT_TRUE(WaitForSync(kTask, 11));
  EXPECT_EQ(spool_->Level(true), SpoolLevel::kOk);
  Open();
  EXPECT_EQ(ReadAll(kTask, 1).size(), 11u);
}

TEST_F(SpoolTest, LevelsFollowTheLimit) {
  options_.bytes_max = 200'000;
  options_.reserve_bytes = 100'000;
  Open();
  std::uint64_t number = 0;
  std::vector<SpoolLevel> levels;
  for (; spool_->bytes() < 210'000;) {
    ++number;
    Fill(kTask, number, number, 1'000);
    const SpoolLevel level = spool_->Level(true);
    if (levels.empty() || levels.back() != level) levels.push_back(level);
  }
  EXPECT_EQ(levels, (std::vector{SpoolLevel::kOk, SpoolLevel::kThin10, SpoolLevel::kThin100,
                                 SpoolLevel::kReserve, SpoolLevel::kFull}));
  spool_->Drop(kTask);
  EXPECT_EQ(spool_->Level(true), SpoolLevel::kOk);
}

// Random appends, reads, trims and restarts against a plain vector.
TEST_F(SpoolTest, AgreesWithAVectorWhateverIsDone) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    Open();
    spool_->Drop(kTask);
    std::uint64_t last = 0;
    std::uint64_t trimmed = 0;
    for (int step = 0; step < 300; ++step) {
      const std::uint64_t what = random.Below(10);
      if (what < 6) {
        const std::uint64_t count = 1 + random.Below(20);
        const std::size_t size = random.Below(random.Chance(0.1) ? 500'000 : 100);
        Fill(kTask, last + 1, last + count, size);
        last += count;
      } else if (what < 8 && last > trimmed) {
        const std::uint64_t first = trimmed + 1 + random.Below(last - trimmed);
        const SpoolRead read = spool_->Read(kTask, first, 1 + random.Below(50'000));
        ASSERT_FALSE(read.damaged) << "seed " << seed;
        std::uint64_t expected = first;
        for (const Fact& fact : read.facts) ASSERT_EQ(fact.number, expected++) << "seed " << seed;
      } else if (what == 8 && last > 0) {
        trimmed += random.Below(last - trimmed + 1);
        spool_->Trim(kTask, trimmed);
      } else if (random.Chance(0.3) && last > 0) {
        Open();
        ASSERT_EQ(LastOf(kTask), last) << "seed " << seed;
      }
    }
  }
}

}  // namespace
}  // namespace fusor::agent
