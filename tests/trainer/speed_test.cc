// What counts as speed: training alone, by the time that its steps took.

#include "trainer/engine/speed.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace fusor {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::map<std::string, double> ByName(const std::vector<Metric>& metrics) {
  std::map<std::string, double> named;
  for (const Metric& metric : metrics) named[metric.name] = metric.value;
  return named;
}

TEST(Speed, OfTrainingAloneAndTheEpochOfAll) {
  Speed speed;
  const Speed::Clock::time_point start{};
  speed.Start(start);
  for (int i = 1; i <= 20; ++i) speed.AddStep(milliseconds(10 * i), 32);
  // 2.1 s of steps; evaluation and checkpoints took the rest of 10 s.
  auto epoch = ByName(speed.EndEpoch(start + seconds(10), MemoryUse{3 << 20, 4 << 20, 5 << 20}));
  EXPECT_DOUBLE_EQ(epoch["system/samples_per_s"], 640 / 2.1);
  EXPECT_DOUBLE_EQ(epoch["system/step_ms_p50"], 110);
  EXPECT_DOUBLE_EQ(epoch["system/step_ms_p95"], 200);
  EXPECT_DOUBLE_EQ(epoch["system/epoch_s"], 10);
  EXPECT_DOUBLE_EQ(epoch["system/total_s"], 10);
  EXPECT_DOUBLE_EQ(epoch["system/memory_allocated_mib"], 3);
  EXPECT_DOUBLE_EQ(epoch["system/memory_reserved_mib"], 4);
  EXPECT_DOUBLE_EQ(epoch["system/memory_peak_mib"], 5);

  speed.AddStep(milliseconds(300), 8);
  speed.AddWait(milliseconds(200));
  auto next = ByName(speed.EndEpoch(start + seconds(13), std::nullopt));
  EXPECT_DOUBLE_EQ(next["system/samples_per_s"], 16);
  EXPECT_DOUBLE_EQ(next["system/epoch_s"], 3);
  EXPECT_DOUBLE_EQ(next["system/total_s"], 13);
  EXPECT_FALSE(next.contains("system/memory_peak_mib"));
}

TEST(Speed, NothingWasTrained) {
  Speed speed;
  speed.Start({});
  EXPECT_TRUE(speed.EndEpoch(Speed::Clock::time_point() + seconds(1), std::nullopt).empty());
}

}  // namespace
}  // namespace fusor
