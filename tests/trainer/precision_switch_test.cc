// When an adaptive run changes the type that it computes in.

#include "trainer/precision/precision_switch.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace fusor {
namespace {

// The type after each loss, as one letter: h or F.
std::string Types(PrecisionSwitch& precision, const std::vector<double>& losses) {
  std::string types;
  std::int64_t step = 0;
  for (const double loss : losses) {
    precision.AddLoss(++step, loss);
    types += precision.full() ? 'F' : 'h';
  }
  return types;
}

TEST(PrecisionSwitch, StaysHalfWhileTheLossFalls) {
  PrecisionSwitch precision({}, {});
  EXPECT_EQ(Types(precision, std::vector<double>(30, 1.0)), std::string(30, 'h'));
}

TEST(PrecisionSwitch, RestlessLossAsksForFullAndACalmOneForHalf) {
  PrecisionSwitch precision({}, {});
  std::vector<double> losses;
  for (int i = 0; i < 10; ++i) losses.push_back(i % 2 == 0 ? 1 : 2);  // variance 0.25
  losses.insert(losses.end(), 10, 1.0);
  // Nothing is judged before a whole window; calm is back when one two is left.
  EXPECT_EQ(Types(precision, losses), "hhhhhhhhhFFFFFFFFhhh");
}

TEST(PrecisionSwitch, ARisingLossAsksForFull) {
  PrecisionSwitch precision({}, {});
  std::vector<double> losses;
  for (int i = 0; i < 12; ++i) losses.push_back(1 + 0.02 * i);  // halves differ by 0.1
  EXPECT_EQ(Types(precision, losses), "hhhhhhhhhFFF");
  // Between calm and rise it stays what it was.
  PrecisionSwitch slow({}, {});
  losses.clear();
  for (int i = 0; i < 12; ++i) losses.push_back(1 + 0.005 * i);  // by 0.025
  EXPECT_EQ(Types(slow, losses), std::string(12, 'h'));
}

TEST(PrecisionSwitch, WhatIsNotFiniteAsksForFullAtOnce) {
  PrecisionSwitch precision({}, {});
  EXPECT_EQ(Types(precision, {1, std::numeric_limits<double>::quiet_NaN(), 1, 1}), "hFFF");
}

TEST(PrecisionSwitch, ChangesByCountOnRequest) {
  PrecisionSwitch precision({.every = 3}, {});
  EXPECT_EQ(Types(precision, std::vector<double>(10, 1.0)), "hhFFFhhhFF");
}

TEST(PrecisionSwitch, GoesOnFromItsState) {
  std::vector<double> losses;
  for (int i = 0; i < 24; ++i) losses.push_back(i < 12 ? 1 + (i % 3) * 0.6 : 1.0 - i * 0.001);
  PrecisionSwitch straight({}, {});
  const std::string whole = Types(straight, losses);
  PrecisionSwitch first({}, {});
  std::string parts = Types(first, {losses.begin(), losses.begin() + 11});
  PrecisionSwitch second({}, first.state());
  parts += Types(second, {losses.begin() + 11, losses.end()});
  EXPECT_EQ(parts, whole);
  EXPECT_NE(whole.find('F'), std::string::npos);
  EXPECT_EQ(whole.back(), 'h');
}

}  // namespace
}  // namespace fusor
