#include "worker/process/usage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace fusor::agent {
namespace {

using testing::ElementsAre;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr Time kBegin{Duration(1'700'000'000'000)};

std::map<std::string, double> Points(const MetricsFact& fact) {
  std::map<std::string, double> points;
  for (std::size_t i = 0; i < fact.names.size(); ++i) points[fact.names[i]] = fact.values[i].at(0);
  return points;
}

TEST(Usage, TenSamplesBecomeMinimumMeanAndMaximum) {
  UsageWindow window;
  for (int round = 0; round < 2; ++round) {
    for (int i = 1; i < 10; ++i) {
      ASSERT_FALSE(window.Add({{"system/x", i}}, kBegin + i * Duration(1'000)).has_value());
    }
    const auto fact = window.Add({{"system/x", 19}}, kBegin + Duration(10'000));
    ASSERT_TRUE(fact.has_value());
    EXPECT_THAT(fact->steps, ElementsAre(1'700'000'010));
    EXPECT_THAT(Points(*fact),
                UnorderedElementsAre(Pair("system/x/min", 1), Pair("system/x/mean", 6.4),
                                     Pair("system/x/max", 19)));
  }
}

TEST(Usage, WhatIsUnknownNowAndThenCountsOnlyWhenItIsKnown) {
  UsageWindow window;
  std::optional<MetricsFact> fact;
  for (int i = 0; i < 10; ++i) {
    UsageSample sample = {{"a", i}};
    if (i % 5 == 0) sample["b"] = 10 + i;
    fact = window.Add(sample, kBegin);
  }
  ASSERT_TRUE(fact.has_value());
  EXPECT_THAT(Points(*fact),
              UnorderedElementsAre(Pair("a/min", 0), Pair("a/mean", 4.5), Pair("a/max", 9),
                                   Pair("b/min", 10), Pair("b/mean", 12.5), Pair("b/max", 15)));
  for (int i = 0; i < 10; ++i) fact = window.Add({}, kBegin);
  EXPECT_FALSE(fact.has_value());
}

TEST(Usage, ProcessorTimeBecomesAShareOfOneProcessor) {
  const auto ticks = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  CpuMeter meter;
  EXPECT_FALSE(meter.Percent(100, kBegin).has_value());
  EXPECT_EQ(meter.Percent(100 + 2 * ticks, kBegin + Duration(1'000)), 200.0);
  EXPECT_EQ(meter.Percent(100 + 3 * ticks, kBegin + Duration(3'000)), 50.0);
  EXPECT_FALSE(meter.Percent(100, kBegin + Duration(4'000)).has_value());  // another process
}

}  // namespace
}  // namespace fusor::agent
