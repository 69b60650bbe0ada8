#include "worker/core/fact_queue.h"

#include <gtest/gtest.h>

#include <string>

#include "common/base/limits.h"
#include "common/base/random.h"

namespace fusor::agent {
namespace {

FactBody Log(std::size_t bytes) { return LogFact{.text = std::string(bytes, 'x')}; }

std::vector<std::uint64_t> Numbers(const std::vector<Fact>& facts) {
  std::vector<std::uint64_t> numbers;
  for (const Fact& fact : facts) numbers.push_back(fact.number);
  return numbers;
}

TEST(FactQueue, NumbersFromOneAndSendsInOrder) {
  FactQueue queue;
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(queue.Append(Log(10), true).number, i);
  EXPECT_EQ(Numbers(queue.Take(1'000)), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_TRUE(queue.Take(1'000).empty());
  EXPECT_GT(queue.bytes_in_flight(), 30u);
  EXPECT_TRUE(queue.Acknowledge(3));
  EXPECT_EQ(queue.bytes_in_flight(), 0u);
  EXPECT_TRUE(queue.AllAcknowledged());
  EXPECT_FALSE(queue.Acknowledge(4));
}

TEST(FactQueue, TakesNoMoreThanFits) {
  FactQueue queue;
  for (int i = 0; i < 3; ++i) queue.Append(Log(100), true);
  EXPECT_TRUE(queue.Take(50).empty());
  EXPECT_EQ(queue.TakeOne().size(), 1u);
  EXPECT_EQ(queue.Take(150).size(), 1u);
}

TEST(FactQueue, ACheckpointWaitsForItsSync) {
  FactQueue queue;
  queue.Append(Log(1), true);
  queue.Append(CheckpointFact{}, true);
  queue.Append(Log(1), true);
  EXPECT_EQ(Numbers(queue.Take(1'000)), (std::vector<std::uint64_t>{1}));
  EXPECT_TRUE(queue.TakeOne().empty());
  queue.Synced(1);
  EXPECT_TRUE(queue.Take(1'000).empty());
  queue.Synced(2);
  EXPECT_EQ(Numbers(queue.Take(1'000)), (std::vector<std::uint64_t>{2, 3}));
}

TEST(FactQueue, KeepsNothingInMemoryWithoutALink) {
  FactQueue queue;
  queue.Append(Log(1), false);
  EXPECT_TRUE(queue.Take(1'000).empty());
  EXPECT_TRUE(queue.WantsLoad());
  EXPECT_EQ(queue.NextToLoad(), 1u);
}

// A queue, its spool, and a peer that acknowledges at random, over links that break at random: the
// peer applies every fact once and in order, and memory stays within its bound.
TEST(FactQueue, DeliversEverythingOnceInOrderWhateverBreaks) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    FactQueue queue;
    std::vector<Fact> spool;
    std::vector<Fact> answer;
    bool reading = false;
    bool connected = true;
    std::uint64_t applied = 0;
    std::uint64_t produced = 0;
    for (int turn = 0; turn < 2'000 || applied < produced; ++turn) {
      ASSERT_LT(turn, 50'000) << "seed " << seed;
      if (turn < 2'000 && random.Chance(0.5)) {
        const std::size_t size = random.Below(random.Chance(0.05) ? 300'000 : 200);
        spool.push_back(queue.Append(Log(size), connected));
        ++produced;
      }
      if (random.Chance(0.02)) {
        queue.Rewind();
        connected = turn > 2'000 || random.Chance(0.7);
      }
      if (!connected) continue;
      if (reading && random.Chance(0.5)) {
        queue.Loaded(std::exchange(answer, {}));
        reading = false;
      }
      if (queue.WantsLoad()) {
        queue.LoadAsked();
        reading = true;
        const std::uint64_t first = queue.NextToLoad();
        const std::uint64_t last = std::min<std::uint64_t>(first + 20, produced);
        answer.assign(spool.begin() + static_cast<std::ptrdiff_t>(first - 1),
                      spool.begin() + static_cast<std::ptrdiff_t>(last));
      }
      for (const Fact& fact : queue.Take(1'000'000)) {
        ASSERT_LE(fact.number, applied + 1) << "seed " << seed << ": a gap";
        if (fact.number == applied + 1) {
          ASSERT_EQ(fact.body, spool[applied].body);
          ++applied;
        }
      }
      if (random.Chance(0.3)) {
        ASSERT_TRUE(queue.Acknowledge(applied));
      }
    }
    EXPECT_EQ(applied, produced);
  }
}

}  // namespace
}  // namespace fusor::agent
