// Runs that end when their evaluations no longer get better.

#include "trainer/engine/early_stop.h"

#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/trainer/loop_fixture.h"

namespace fusor {
namespace {

using ::testing::HasSubstr;
using testing::ReadAll;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// How many of these values are seen before the end; -1: all, and it goes on.
int SeenOf(const std::vector<double>& values, const EarlyStopPolicy& policy, bool maximize) {
  EarlyStop stop(policy, {"val/x", maximize}, {});
  for (std::size_t i = 0; i < values.size(); ++i) {
    stop.Add(static_cast<std::int64_t>(i), values[i]);
    if (stop.due()) return static_cast<int>(i) + 1;
  }
  return -1;
}

TEST(EarlyStop, CountsEvaluationsInARowThatAreNoBetter) {
  EXPECT_EQ(SeenOf({1, 2, 1, 1, 3, 3, 3, 3, 9}, {.patience = 3}, true), 8);
  EXPECT_EQ(SeenOf({3, 2, 2, 2, 2, 1}, {.patience = 3}, false), 5);
  EXPECT_EQ(SeenOf({3, 2, 2}, {.patience = 1}, false), 3);
  EXPECT_EQ(SeenOf({1, 1, 1, 1, 1, 1}, {.patience = 0}, true), -1);
}

// Small steps add up only once they are more than the least gain together.
TEST(EarlyStop, OnlyWhatIsBetterByMoreCounts) {
  EXPECT_EQ(SeenOf({1, 1.5, 2, 2.5}, {.patience = 2, .min_delta = 1}, true), 3);
  EXPECT_EQ(SeenOf({1, 1.75, 2.25, 3, 3.5}, {.patience = 2, .min_delta = 1}, true), -1);
  EXPECT_EQ(SeenOf({4, 3.5, 3}, {.patience = 2, .min_delta = 1}, false), 3);
}

TEST(EarlyStop, WhatIsNoNumberIsNoBetter) {
  EXPECT_EQ(SeenOf({kNan, kNan}, {.patience = 2}, true), 2);
  EXPECT_EQ(SeenOf({kNan, 1, kNan, 2, kNan, kNan}, {.patience = 2}, true), 6);
  EXPECT_EQ(SeenOf({HUGE_VAL, 1, 2, 2}, {.patience = 2}, false), 4);
}

TEST(EarlyStop, SaysWhatItWaitedFor) {
  EarlyStop stop({.patience = 1, .min_delta = 0.5}, {"val/x", false}, {});
  stop.Add(7, 0.25);
  stop.Add(8, 0);
  EXPECT_EQ(stop.Reason(),
            "stopped early: val/x was not below 0.25 of step 7 by more than 0.5 in 1 evaluation");
  EarlyStop never({.patience = 2}, {"val/x", true}, {});
  never.Add(1, kNan);
  never.Add(2, kNan);
  EXPECT_EQ(never.Reason(), "stopped early: val/x was never a number in 2 evaluations");
}

// Its evaluations are the given ones, one after each two steps.
class Scripted final : public Task {
 public:
  explicit Scripted(std::vector<double> scores) : scores_(std::move(scores)) {}

  Status Prepare(Pulse&) override {
    parameters_.trained = {{"w", at::zeros({2}).requires_grad_()}};
    return Ok();
  }
  Plan plan() const override { return {2 * static_cast<std::int64_t>(scores_.size()), 2}; }
  ParameterSet& parameters() override { return parameters_; }
  std::vector<TrainedGroup> groups() override {
    return {{.parameters = parameters_.trained, .rate = 0.125}};
  }
  Batch TrainingBatch(MicroStep at) override {
    step_ = at.step;
    return {.targets = at::full({2}, 3.0), .samples = 2};
  }
  BatchLoss Forward(const Batch& batch) override {
    return {parameters_.trained[0].value.sub(batch.targets).square().sum(), {}};
  }
  std::vector<Metric> Evaluate(Split split, Pulse&) override {
    if (split == Split::kTest) return {};
    return {{"val/score", scores_.at(static_cast<std::size_t>(step_ / 2))}};
  }
  std::optional<Selection> selection() const override { return Selection{"val/score", true}; }

 private:
  const std::vector<double> scores_;
  ParameterSet parameters_;
  std::int64_t step_ = 0;
};

class EarlyStopRun : public testing::LoopFixture {
 protected:
  static LoopOptions Options(std::int64_t patience) {
    LoopOptions options{.policy = testing::Falling(), .checkpoint = {.every_steps = 3}};
    options.policy.early_stop.patience = patience;
    return options;
  }
  const std::vector<double> scores_ = {1, 2, 1, 1, 3, 2, 2, 2, 9, 9};
};

TEST_F(EarlyStopRun, EvaluatesSavesAndSucceeds) {
  Scripted task(scores_);
  const Outcome outcome = Run(task, Options(3));
  EXPECT_EQ(outcome.kind, OutcomeKind::kSucceeded);
  EXPECT_EQ(outcome.detail, "stopped early: val/score was not above 3 of step 10 in 3 evaluations");
  EXPECT_EQ(reporter_.evaluated, (std::vector<std::int64_t>{2, 4, 6, 8, 10, 12, 14, 16}));
  EXPECT_EQ(reporter_.made.at("best/model.safetensors"), 10);
  EXPECT_EQ(reporter_.made.at("last/model.safetensors"), 16);
}

TEST_F(EarlyStopRun, TheLastEvaluationIsNotEarly) {
  for (const std::int64_t patience : {0, 10}) {
    Scripted task(scores_);
    const Outcome outcome = Run(task, Options(patience));
    EXPECT_EQ(outcome, Outcome());
    EXPECT_EQ(reporter_.made.at("last/model.safetensors"), 20);
  }
  Scripted task({2, 1, 1});
  EXPECT_EQ(Run(task, Options(2)), Outcome());
}

// Taken up between the evaluations that count: it ends where it would have ended.
TEST_F(EarlyStopRun, ResumedRunEqualsStraightRun) {
  Scripted straight(scores_);
  const Outcome expected = Run(straight, Options(3));
  const std::string last = ReadAll("last/model.safetensors");
  const std::string log = ReadAll("log.csv");
  for (const std::int64_t step : {12, 15}) {
    LoopOptions options = Options(3);
    options.resume = reporter_.checkpoints.at(step);
    MoveOn("from-" + std::to_string(step));
    Scripted resumed(scores_);
    EXPECT_EQ(Run(resumed, options), expected);
    EXPECT_TRUE(ReadAll("last/model.safetensors") == last) << step;
    EXPECT_EQ(ReadAll("log.csv"), log);
  }
}

// The table would be there, the reason would not: a task without an objective cannot have this.
TEST_F(EarlyStopRun, NeedsAnObjective) {
  class Aimless final : public Task {
   public:
    Status Prepare(Pulse&) override { return Ok(); }
    Plan plan() const override { return {2, 1}; }
    ParameterSet& parameters() override { return parameters_; }
    std::vector<TrainedGroup> groups() override { return {}; }
    Batch TrainingBatch(MicroStep) override { return {}; }
    BatchLoss Forward(const Batch&) override { return {}; }
    std::vector<Metric> Evaluate(Split, Pulse&) override { return {}; }
    std::optional<Selection> selection() const override { return std::nullopt; }

   private:
    ParameterSet parameters_;
  };
  Aimless task;
  const Outcome outcome = Run(task, Options(1));
  EXPECT_EQ(outcome.kind, OutcomeKind::kFailed);
  EXPECT_THAT(outcome.detail, HasSubstr("early_stop"));
}

}  // namespace
}  // namespace fusor
