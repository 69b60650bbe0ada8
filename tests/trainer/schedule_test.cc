// Learning rates by the step, against closed forms.

#include "trainer/optim/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace fusor {
namespace {

using Shape = ScheduleOptions::Shape;
using WarmUp = ScheduleOptions::WarmUp;

// The rates of steps 0 to 4, of the last step, and the value after it.
void ExpectTable(const ScheduleOptions& options, const std::vector<double>& expected) {
  const Schedule schedule(options);
  const std::int64_t last = options.steps - 1;
  const std::vector<std::int64_t> steps = {0, 1, 2, 3, 4, last, last + 1};
  ASSERT_EQ(expected.size(), steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    EXPECT_NEAR(schedule.At(steps[i]), expected[i], 1e-12) << "step " << steps[i];
  }
}

double Cosine(double share) { return 0.5 * (1 + std::cos(std::numbers::pi * share)); }

TEST(Schedule, Constant) {
  ExpectTable({.rate = 0.1, .steps = 100}, {0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1});
}

TEST(Schedule, StepFallsAfterEachWholeInterval) {
  ExpectTable({.shape = Shape::kStep, .rate = 1, .steps = 9, .step_every = 2, .step_factor = 0.5},
              {1, 1, 0.5, 0.5, 0.25, 0.0625, 0.0625});
}

TEST(Schedule, LinearHasTheFloorAfterTheLastStep) {
  ExpectTable({.shape = Shape::kLinear, .rate = 1, .steps = 10, .floor = 0.5},
              {1, 0.95, 0.9, 0.85, 0.8, 0.55, 0.5});
}

TEST(Schedule, CosineHasTheFloorAfterTheLastStep) {
  std::vector<double> expected;
  for (const int step : {0, 1, 2, 3, 4, 99, 100}) {
    expected.push_back(0.01 + 0.09 * Cosine(step / 100.0));
  }
  ExpectTable({.shape = Shape::kCosine, .rate = 0.1, .steps = 100, .floor = 0.01}, expected);
  EXPECT_EQ(Schedule({.shape = Shape::kCosine, .rate = 0.1, .steps = 100}).At(1'000), 0);
  EXPECT_DOUBLE_EQ(CosineRate(0.1, 0.01, 50, 100), 0.055);
  EXPECT_DOUBLE_EQ(CosineRate(0.1, 0, 25, 100), 0.05 * (1 + std::sqrt(0.5)));
}

TEST(Schedule, LinearWarmUpIsFullAfterItsSteps) {
  ExpectTable({.rate = 0.4, .steps = 10, .warm_up_steps = 4}, {0, 0.1, 0.2, 0.3, 0.4, 0.4, 0.4});
  ExpectTable({.rate = 0.4, .steps = 10, .warm_up_steps = 2, .warm_up_from = 0.2},
              {0.2, 0.3, 0.4, 0.4, 0.4, 0.4, 0.4});
}

TEST(Schedule, LogWarmUpIsFullAtItsLastStep) {
  const double log4 = std::log(4.0);
  ExpectTable({.rate = 1, .steps = 10, .warm_up_steps = 4, .warm_up = WarmUp::kLog},
              {0, std::log(2.0) / log4, std::log(3.0) / log4, 1, 1, 1, 1});
  // One step of warm-up is taken as two, as DeepSpeed does, so that its logarithm is not 0.
  ExpectTable({.rate = 1, .steps = 10, .warm_up_steps = 1, .warm_up = WarmUp::kLog},
              {0, 1, 1, 1, 1, 1, 1});
}

TEST(Schedule, WarmUpLeavesTheShapeTheStepsThatRemain) {
  ExpectTable({.shape = Shape::kCosine, .rate = 1, .steps = 12, .warm_up_steps = 2},
              {0, 0.5, 1, Cosine(0.1), Cosine(0.2), Cosine(0.9), 0});
  ExpectTable({.shape = Shape::kLinear, .rate = 1, .steps = 12, .warm_up_steps = 2},
              {0, 0.5, 1, 0.9, 0.8, 0.1, 0});
}

TEST(Schedule, OneCycleEndsWithTheLastStep) {
  // The peak is at 0.3 * 20 - 1 = 5, the end at 19.
  const double start = 1.0 / 25;
  const auto rise = [&](double step) { return start + (1 - start) * (1 - Cosine(step / 5)); };
  ExpectTable({.shape = Shape::kOneCycle, .rate = 1, .steps = 20},
              {start, rise(1), rise(2), rise(3), rise(4), start / 10'000, start / 10'000});
  const Schedule schedule({.shape = Shape::kOneCycle, .rate = 1, .steps = 20});
  EXPECT_DOUBLE_EQ(schedule.At(5), 1);
  EXPECT_NEAR(schedule.At(12), 0.5 * (1 + start / 10'000), 1e-12);
}

}  // namespace
}  // namespace fusor
