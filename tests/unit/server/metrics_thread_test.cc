#include "coordinator/server/metrics_thread.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>

namespace fusor {
namespace {

const TrialKey kTrial{{1}, 0, 5};
constexpr std::chrono::seconds kPatience{20};

// metrics.db in memory; can be made to fail.
class FakeStore : public MetricsStore {
 public:
  Status Commit(std::span<const FactsForMetrics> batches) override {
    const std::lock_guard lock(mu);
    ++commits;
    if (failing) return ResourceExhausted("the disk is full");
    for (const FactsForMetrics& batch : batches) {
      std::uint64_t& cursor = cursors[{batch.attempt.value, batch.rank}];
      for (const Fact& fact : batch.facts) {
        if (fact.number <= cursor) continue;
        log.push_back("fact " + std::to_string(batch.attempt.value) + ":" +
                      std::to_string(fact.number));
        cursor = fact.number;
      }
    }
    return Ok();
  }
  Result<std::uint64_t> Cursor(AttemptId attempt, std::uint32_t rank) override {
    const std::lock_guard lock(mu);
    return cursors[{attempt.value, rank}];
  }
  Status Supersede(TrialKey, AttemptId, std::int64_t) override { return Ok(); }
  Result<bool> RemoveSlice(SweepId sweep) override {
    const std::lock_guard lock(mu);
    log.push_back("remove " + std::to_string(sweep.value));
    return --slices > 0;
  }
  Result<std::vector<SweepId>> Sweeps() override { return std::vector<SweepId>(); }
  Status Close() override { return Ok(); }
  ReadDoor read_door() override { return {}; }
  std::uint64_t wal_bytes() const override { return 0; }

  std::mutex mu;
  bool failing = false;
  int commits = 0;
  int slices = 1;  // of the sweep that is removed
  std::vector<std::string> log;
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::uint64_t> cursors;
};

class MetricsThreadTest : public testing::Test {
 protected:
  MetricsThreadTest() { options_.retry_first = std::chrono::milliseconds(1); }
  ~MetricsThreadTest() override { thread_->Stop(); }

  void Start() {
    thread_ = std::make_unique<MetricsThread>(
        options_, store_, stats_, health_,
        [this](BatchesStored stored) {
          const std::lock_guard lock(mu_);
          for (StoredBatch& batch : stored.batches) told_.push_back(std::move(batch));
          changed_.notify_all();
        },
        [](const std::vector<MetricsBatch>&) {});
    thread_->Start();
  }

  MetricsBatch Batch(std::uint64_t attempt, std::uint64_t first, std::uint64_t last) {
    MetricsBatch batch;
    batch.facts = {{attempt}, kTrial, 0, {}, 0};
    for (std::uint64_t i = first; i <= last; ++i) {
      batch.facts.facts.push_back({i, ProgressFact{static_cast<std::int64_t>(i), 0, 0, ""}});
    }
    batch.fence = fence_;
    batch.bytes = 100 * (last - first + 1);
    return batch;
  }

  std::vector<StoredBatch> Told(std::size_t count) {
    std::unique_lock lock(mu_);
    EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] { return told_.size() >= count; }));
    return told_;
  }

  template <class Condition>
  void AwaitStore(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
      {
        const std::lock_guard lock(store_.mu);
        if (condition()) return;
      }
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::yield();
    }
  }

  MetricsThread::Options options_;
  FakeStore store_;
  Stats stats_;
  Health health_;
  std::shared_ptr<AttemptFence> fence_ = std::make_shared<AttemptFence>();
  std::mutex mu_;
  std::condition_variable changed_;
  std::vector<StoredBatch> told_;
  std::unique_ptr<MetricsThread> thread_;
};

TEST_F(MetricsThreadTest, TellsWhatIsStoredWithItsCoreFacts) {
  Start();
  MetricsBatch batch = Batch(1, 1, 2);
  batch.facts.facts.push_back({3, FinalFact{}});
  ASSERT_TRUE(thread_->Push(std::move(batch)));
  const auto told = Told(1);
  EXPECT_EQ(told[0].number, 3U);
  ASSERT_EQ(told[0].core_facts.size(), 1U);
  EXPECT_EQ(told[0].core_facts[0].number, 3U);
}

TEST_F(MetricsThreadTest, AFullDiskIsWaitedForAndHealthSaysSo) {
  store_.failing = true;
  Start();
  ASSERT_TRUE(thread_->Push(Batch(1, 1, 1)));
  AwaitStore([&] { return store_.commits >= 3; });
  EXPECT_FALSE(health_.serving());
  EXPECT_NE(health_.Reason().find("the disk is full"), std::string::npos);
  {
    const std::lock_guard lock(mu_);
    EXPECT_TRUE(told_.empty());
  }
  {
    const std::lock_guard lock(store_.mu);
    store_.failing = false;
  }
  EXPECT_EQ(Told(1)[0].number, 1U);
  EXPECT_TRUE(health_.serving());
}

TEST_F(MetricsThreadTest, FencedBatchesAreNotStored) {
  Start();
  fence_->fenced.store(true);
  ASSERT_TRUE(thread_->Push(Batch(1, 1, 3)));
  fence_ = std::make_shared<AttemptFence>();
  ASSERT_TRUE(thread_->Push(Batch(2, 1, 1)));
  EXPECT_EQ(Told(1)[0].attempt, AttemptId{2});
  EXPECT_EQ(stats_.facts_fenced.load(), 3U);
  const std::lock_guard lock(store_.mu);
  EXPECT_EQ(store_.log, std::vector<std::string>{"fact 2:1"});
}

TEST_F(MetricsThreadTest, AfterARestartTheHigherCursorCounts) {
  store_.cursors[{1, 0}] = 4;
  Start();
  MetricsBatch by_metrics = Batch(1, 5, 5);
  by_metrics.check_floor = true;
  by_metrics.floor = 2;
  ASSERT_TRUE(thread_->Push(std::move(by_metrics)));
  MetricsBatch by_state = Batch(2, 8, 8);
  by_state.check_floor = true;
  by_state.floor = 7;
  ASSERT_TRUE(thread_->Push(std::move(by_state)));
  const auto told = Told(2);
  EXPECT_FALSE(told[0].refused);
  EXPECT_FALSE(told[1].refused);
}

TEST_F(MetricsThreadTest, AGapIsRefusedAndSoIsWhatFollowsUntilItBeginsAgain) {
  Start();
  MetricsBatch gap = Batch(1, 5, 5);
  gap.check_floor = true;
  ASSERT_TRUE(thread_->Push(std::move(gap)));
  ASSERT_TRUE(thread_->Push(Batch(1, 6, 6)));
  MetricsBatch again = Batch(1, 1, 6);
  again.check_floor = true;
  ASSERT_TRUE(thread_->Push(std::move(again)));
  const auto told = Told(3);
  ASSERT_TRUE(told[0].refused);
  EXPECT_FALSE(told[0].refused->empty());
  ASSERT_TRUE(told[1].refused);
  EXPECT_TRUE(told[1].refused->empty());
  EXPECT_FALSE(told[2].refused);
  EXPECT_EQ(told[2].number, 6U);
}

TEST_F(MetricsThreadTest, ADeletedSweepsSeriesGoInTheirTurn) {
  Start();
  ASSERT_TRUE(thread_->Push(Batch(1, 1, 1)));
  (void)Told(1);
  thread_->RemoveSweep({9});
  AwaitStore([&] { return store_.log.size() == 2; });
  EXPECT_EQ(store_.log, (std::vector<std::string>{"fact 1:1", "remove 9"}));
}

// A large one must hold nobody's acknowledgement up, nor the daemon's end.
TEST_F(MetricsThreadTest, FactsAndAStopComeBetweenTheSlicesOfADeletedSweep) {
  store_.slices = 1'000'000'000;
  Start();
  thread_->RemoveSweep({9});
  AwaitStore([&] { return store_.log.size() > 2; });
  ASSERT_TRUE(thread_->Push(Batch(1, 1, 1)));
  EXPECT_EQ(Told(1).size(), 1U);
  thread_->Stop();
  EXPECT_GT(store_.slices, 0);
}

TEST_F(MetricsThreadTest, TheHardBoundRefusesAndTheSoftOneWithholds) {
  options_.queue_bytes_max = 1000;
  options_.transaction_bytes_max = 1;  // one batch at a time
  store_.failing = true;
  Start();
  std::uint64_t pushed = 0;
  while (thread_->Push(Batch(1, pushed + 1, pushed + 1))) ++pushed;
  EXPECT_EQ(pushed, 20U);
  {
    const std::lock_guard lock(store_.mu);
    store_.failing = false;
  }
  const auto told = Told(20);
  EXPECT_EQ(told.back().number, 20U);
  EXPECT_EQ(stats_.metrics_queue_bytes.load(), 0U);
}

TEST_F(MetricsThreadTest, StopStoresWhatWaits) {
  Start();
  for (std::uint64_t i = 1; i <= 50; ++i) ASSERT_TRUE(thread_->Push(Batch(1, i, i)));
  thread_->Stop();
  EXPECT_EQ(store_.log.size(), 50U);
}

}  // namespace
}  // namespace fusor
