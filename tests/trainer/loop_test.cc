// The loop with a task of the test's own: what is skipped, scaled and kept.

#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>
#include <sstream>

#include "tests/trainer/loop_fixture.h"
#include "trainer/engine/guard.h"
#include "trainer/io/atomic_file.h"
#include "trainer/precision/precision.h"

namespace fusor {
namespace {

using LoopTest = testing::LoopFixture;
using ::testing::DoubleEq;
using ::testing::Each;
using ::testing::ElementsAre;
using testing::Falling;

// w is pulled towards 3; `spoil` may replace the loss of a step.
class Pull final : public Task {
 public:
  std::function<at::Tensor(std::int64_t step, const at::Tensor& loss)> spoil;

  Status Prepare(Pulse&) override {
    parameters_.trained.push_back({"w", at::zeros({2}).requires_grad_(), true});
    parameters_.buffers.push_back({"forwards", at::zeros({1})});
    return Ok();
  }
  Plan plan() const override { return {12, 4}; }
  ParameterSet& parameters() override { return parameters_; }
  std::vector<TrainedGroup> groups() override {
    return {{.parameters = parameters_.trained, .rate = 0.125}};
  }
  Batch TrainingBatch(MicroStep at) override {
    step_ = at.step;
    parts.push_back(at.part);
    return {.targets = at::full({2}, 3.0), .samples = 2};
  }
  BatchLoss Forward(const Batch& batch) override {
    at::Tensor loss = parameters_.trained[0].value.sub(batch.targets).square().sum();
    parameters_.buffers[0].value.add_(1);
    return {spoil ? spoil(step_, loss) : loss, {{"train/score", loss.sqrt()}}};
  }
  std::span<const Metric> StepMetrics(const StepFacts& facts) override {
    losses.push_back(facts.loss);
    rates.push_back(facts.learning_rates[0]);
    return {};
  }
  std::vector<Metric> Evaluate(Split split, Pulse&) override {
    if (split == Split::kTest) {
      tested = weight();
      return {{"test/score", tested}};
    }
    weights.push_back(weight());
    return {{"val/score", scores.at(evaluated_++)}};
  }
  std::optional<Selection> selection() const override { return Selection{"val/score", false}; }

  double forwards() const { return parameters_.buffers[0].value.item<double>(); }
  double weight() const { return parameters_.trained[0].value[0].item<double>(); }

  std::vector<std::int64_t> parts;
  std::vector<double> losses;
  std::vector<double> rates;
  std::vector<double> scores = {3, 1, 2};
  std::vector<double> weights;  // at each evaluation
  double tested = 0;            // the weight that the test split was given

 private:
  ParameterSet parameters_;
  std::int64_t step_ = 0;
  std::size_t evaluated_ = 0;
};

// The loss stays finite: 0 * sqrt has slope infinity at 0.
at::Tensor WithInfiniteGradient(Pull& task, const at::Tensor& loss) {
  const at::Tensor& w = task.parameters().trained[0].value;
  return loss.add(w.sub(w.detach()).sqrt().sum());
}

TrainingPolicy Scaled(TrainingPolicy policy) {
  policy.scale_loss = true;
  return policy;
}

TEST_F(LoopTest, TrainsEvaluatesEachEpochAndKeepsTheBest) {
  Pull task;
  EXPECT_EQ(Run(task).kind, OutcomeKind::kSucceeded);
  EXPECT_EQ(task.losses.size(), 12u);
  EXPECT_LT(task.losses.back(), 0.1 * task.losses.front());
  // The test split sees the best model, once, at its step.
  EXPECT_EQ(reporter_.evaluated, (std::vector<std::int64_t>{4, 8, 12, 8}));
  EXPECT_EQ(task.tested, task.weights[1]);
  EXPECT_NE(task.tested, task.weights[2]);
  EXPECT_EQ(reporter_.made.at("best/model.safetensors"), 8);
  EXPECT_EQ(reporter_.made.at("last/model.safetensors"), 12);
  EXPECT_EQ(reporter_.made.count("log.csv"), 1u);
}

TEST_F(LoopTest, ScaledLossGivesTheSameWeights) {
  Pull plain;
  Pull scaled;
  Run(plain);
  Run(scaled, Scaled(Falling()));
  EXPECT_EQ(plain.weight(), scaled.weight());
  EXPECT_EQ(plain.losses, scaled.losses);
}

TEST_F(LoopTest, OverflowLeavesWeightsAndMomentsAlone) {
  Pull task;
  task.spoil = [&](std::int64_t step, const at::Tensor& loss) {
    return step == 3 ? WithInfiniteGradient(task, loss) : loss;
  };
  Pull without;
  without.spoil = [&](std::int64_t step, const at::Tensor& loss) {
    return step != 3 ? loss : loss.mul(std::numeric_limits<double>::quiet_NaN());
  };
  TrainingPolicy going_on = Falling();
  going_on.stop_on_nonfinite = false;
  EXPECT_EQ(Run(task, Scaled(Falling())).kind, OutcomeKind::kSucceeded);
  EXPECT_EQ(Run(without, going_on).kind, OutcomeKind::kSucceeded);
  EXPECT_TRUE(std::isfinite(task.weight()));
  EXPECT_EQ(task.weight(), without.weight());
  // Running statistics too are as if the step had not been; the model is the best one, of step 8.
  EXPECT_EQ(task.forwards(), 7);
  EXPECT_EQ(without.forwards(), 7);
  // The schedule stands still too.
  EXPECT_EQ(task.rates, without.rates);
  EXPECT_EQ(task.rates[4], task.rates[3]);
  EXPECT_LT(task.rates[5], task.rates[4]);
}

TEST_F(LoopTest, AScaleThatCannotFallAnyFurtherEndsTheRun) {
  Pull task;
  task.spoil = [&](std::int64_t, const at::Tensor& loss) {
    return WithInfiniteGradient(task, loss);
  };
  TrainingPolicy policy = Scaled(Falling());
  policy.scaling = LossScalerPolicy::DeepSpeed();
  policy.scaling.initial_scale = 4;
  const Outcome outcome = Run(task, policy);
  EXPECT_EQ(outcome.failure, Failure::kDiverged);
  EXPECT_NE(outcome.detail.find("smallest loss scale"), std::string::npos) << outcome.detail;
  EXPECT_EQ(task.losses.size(), 3u);  // one forgiven, 4 to 2, 2 to 1
}

TEST_F(LoopTest, NonFiniteLossStops) {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    Pull task;
    task.spoil = [&](std::int64_t step, const at::Tensor& loss) {
      return step == 5 ? loss.mul(bad) : loss;
    };
    const Outcome outcome = Run(task);
    EXPECT_EQ(outcome.failure, Failure::kDiverged);
    EXPECT_NE(outcome.detail.find("step 6"), std::string::npos);
    EXPECT_EQ(task.losses.size(), 5u);
  }
}

TEST_F(LoopTest, NumbersReadLateAreTheSameNumbers) {
  Pull now;
  Pull late;
  EXPECT_EQ(Run(now).kind, OutcomeKind::kSucceeded);
  const LoopOptions read_late{.policy = Falling(), .read_late = true};
  EXPECT_EQ(Run(late, read_late).kind, OutcomeKind::kSucceeded);
  EXPECT_EQ(now.losses, late.losses);
  EXPECT_EQ(now.rates, late.rates);
  EXPECT_EQ(now.weight(), late.weight());

  Pull bad;
  bad.spoil = [&](std::int64_t step, const at::Tensor& loss) {
    return step == 5 ? loss.mul(std::numeric_limits<double>::quiet_NaN()) : loss;
  };
  const Outcome outcome = Run(bad, read_late);
  EXPECT_EQ(outcome.failure, Failure::kDiverged);
  EXPECT_NE(outcome.detail.find("step 6"), std::string::npos);
  EXPECT_EQ(bad.losses.size(), 5u);
}

// Equal parts make the mean that the whole would make.
TEST_F(LoopTest, PartsOfAStepAreAddedUp) {
  Pull whole;
  Pull parts;
  TrainingPolicy policy = Falling();
  policy.accumulate = 4;
  Run(whole);
  EXPECT_EQ(Run(parts, policy).kind, OutcomeKind::kSucceeded);
  EXPECT_EQ(parts.parts.size(), 48u);
  EXPECT_EQ((std::vector<std::int64_t>(parts.parts.begin(), parts.parts.begin() + 5)),
            (std::vector<std::int64_t>{0, 1, 2, 3, 0}));
  EXPECT_EQ(parts.losses, whole.losses);
  EXPECT_EQ(parts.weight(), whole.weight());
}

// Clipped is the sum, once: parts clipped one by one would go as far as the bound allows each.
TEST_F(LoopTest, PartsAreClippedTogether) {
  Pull whole;
  Pull parts;
  TrainingPolicy policy = Falling();
  policy.clip_norm = 0.5;
  Run(whole, policy);
  policy.accumulate = 4;
  EXPECT_EQ(Run(parts, policy).kind, OutcomeKind::kSucceeded);
  EXPECT_EQ(parts.losses, whole.losses);
  EXPECT_EQ(parts.weight(), whole.weight());
  Pull free;
  Run(free);
  EXPECT_LT(parts.weight(), free.weight());
}

constexpr std::int64_t kSamples = 64;

// [samples, 4], and what a line through them has to find.
at::Tensor Points() {
  const at::Tensor at = at::arange(kSamples).to(at::kFloat);
  return at::stack({at.mul(0.37).sin(), at.mul(0.73).cos(), at.mul(1.31).sin(), at.mul(0.11).cos()},
                   1);
}
at::Tensor ValuesAt(const at::Tensor& points) {
  return points.matmul(at::arange(1, 5).to(at::kFloat));
}

// A sum of squares over different samples in each part; no norm or dropout sees the parts.
class Fit final : public Task {
 public:
  explicit Fit(std::int64_t parts) : size_(kSamples / parts) {}

  Status Prepare(Pulse&) override {
    parameters_.trained.push_back({"w", at::zeros({4}).requires_grad_(), true});
    return Ok();
  }
  Plan plan() const override { return {20, 10}; }
  ParameterSet& parameters() override { return parameters_; }
  std::vector<TrainedGroup> groups() override {
    return {{.parameters = parameters_.trained, .rate = 0.1}};
  }
  Batch TrainingBatch(MicroStep at) override {
    return {.inputs = points_.narrow(0, at.part * size_, size_),
            .targets = values_.narrow(0, at.part * size_, size_),
            .samples = size_};
  }
  BatchLoss Forward(const Batch& batch) override {
    const at::Tensor made = batch.inputs.matmul(parameters_.trained[0].value);
    return {made.sub(batch.targets).square().mean(), {}};
  }
  std::span<const Metric> StepMetrics(const StepFacts& facts) override {
    losses.push_back(facts.loss);
    return {};
  }
  std::vector<Metric> Evaluate(Split, Pulse&) override { return {}; }
  std::optional<Selection> selection() const override { return std::nullopt; }

  std::vector<double> losses;

 private:
  const std::int64_t size_;
  ParameterSet parameters_;
  const at::Tensor points_ = Points();
  const at::Tensor values_ = ValuesAt(points_);
};

TEST_F(LoopTest, PartsOfABatchMoveTheWeightsAsTheBatch) {
  TrainingPolicy policy = Falling();
  policy.clip_norm = 3;  // bites at first
  policy.optimizer.weight_decay = 0.01;
  Fit whole(1);
  EXPECT_EQ(Run(whole, policy).kind, OutcomeKind::kSucceeded);
  for (const std::int64_t count : {2, 16}) {
    policy.accumulate = count;
    Fit parts(count);
    EXPECT_EQ(Run(parts, policy).kind, OutcomeKind::kSucceeded);
    ASSERT_EQ(parts.losses.size(), whole.losses.size());
    for (std::size_t i = 0; i < whole.losses.size(); ++i) {
      EXPECT_NEAR(parts.losses[i], whole.losses[i], 1e-6 * whole.losses[0]) << i;
    }
    EXPECT_TRUE(parts.parameters().trained[0].value.allclose(whole.parameters().trained[0].value,
                                                             1e-6, 1e-6));
  }
}

TEST_F(LoopTest, RatesAreTheSchedulesFromTheFirstStepToTheLast) {
  Pull task;
  Run(task);
  ASSERT_EQ(task.rates.size(), 12u);
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_NEAR(task.rates[i], 0.125 * (1 - static_cast<double>(i) / 12), 1e-12) << i;
  }
}

// Every part waits for its data, and every evaluation waits, on a clock of the test's own.
class Slow final : public Task {
 public:
  static constexpr std::chrono::milliseconds kData{10};
  static constexpr std::chrono::milliseconds kEvaluation{50};

  LoopOptions::Clock::time_point now;

  Status Prepare(Pulse&) override {
    parameters_.trained.push_back({"w", at::zeros({2}).requires_grad_(), true});
    return Ok();
  }
  Plan plan() const override { return {12, 4}; }
  ParameterSet& parameters() override { return parameters_; }
  std::vector<TrainedGroup> groups() override {
    return {{.parameters = parameters_.trained, .rate = 0.125}};
  }
  Batch TrainingBatch(MicroStep) override {
    now += kData;
    return {.samples = 8};
  }
  BatchLoss Forward(const Batch&) override {
    return {parameters_.trained[0].value.square().sum(), {}};
  }
  std::vector<Metric> Evaluate(Split, Pulse&) override {
    now += kEvaluation;
    return {{"val/loss", 0}};
  }
  std::optional<Selection> selection() const override { return std::nullopt; }

 private:
  ParameterSet parameters_;
};

TEST_F(LoopTest, SpeedIsOfStepsWithTheirDataAndWithoutEvaluation) {
  Slow task;
  LoopOptions options{.policy = Falling(), .now = [&] { return task.now; }};
  options.policy.accumulate = 2;
  EXPECT_EQ(Run(task, options).kind, OutcomeKind::kSucceeded);
  // Three epochs of four steps of two parts of eight samples.
  EXPECT_THAT(reporter_.series["system/samples_per_s"], Each(DoubleEq(8 / 0.010)));
  EXPECT_THAT(reporter_.series["system/step_ms_p50"], Each(DoubleEq(20)));
  EXPECT_THAT(reporter_.series["system/epoch_s"],
              ElementsAre(DoubleEq(0.13), DoubleEq(0.13), DoubleEq(0.13)));
}

// Gradients in one memory, or wherever backward leaves them; whole steps or parts.
TEST_F(LoopTest, WhereGradientsLieChangesNoBit) {
  for (const std::int64_t parts : {1, 3}) {
    TrainingPolicy policy = Falling();
    policy.accumulate = parts;
    policy.clip_norm = 0.5;
    Pull own;
    Run(own, policy);
    policy.optimizer.gradients = GradientMemory::kFlat;
    Pull flat;
    Run(flat, policy);
    EXPECT_EQ(own.losses, flat.losses);
    EXPECT_EQ(own.weights, flat.weights);
    EXPECT_EQ(own.weight(), flat.weight());
  }
}

// Interrupted after something that only the state knows: an overflow changed the precision, or the
// scale, which grows again later. What later checkpoints hold is the same to the bit.
TEST_F(LoopTest, InterruptedStateEqualsStraightState) {
  TrainingPolicy adaptive = Falling();
  adaptive.adapt_precision = true;
  TrainingPolicy scaled = Scaled(Falling());
  scaled.optimizer.algorithm = Algorithm::kAdamW;
  scaled.scaling.window = 4;
  for (const TrainingPolicy& policy : {adaptive, scaled}) {
    const std::string name = policy.scale_loss ? "scaled" : "adaptive";
    const auto spoil_third = [&](Pull& task) {
      task.spoil = [&](std::int64_t step, const at::Tensor& loss) {
        if (step != 2) return loss;
        return policy.scale_loss ? WithInfiniteGradient(task, loss)
                                 : loss.mul(std::numeric_limits<double>::infinity());
      };
    };
    LoopOptions options{.policy = policy, .checkpoint = {.every_steps = 5}};
    MoveOn(name + "-straight");
    Pull straight;
    spoil_third(straight);
    EXPECT_EQ(Run(straight, options).kind, OutcomeKind::kSucceeded);
    const std::string expected = *ReadFile("checkpoint/10/state.safetensors", 1 << 20);
    const char* at_ten = policy.scale_loss ? R"("loss_scale":"65536")" : R"("full_precision":"1")";
    EXPECT_NE(expected.find(at_ten), std::string::npos) << name;
    const std::string table = *ReadFile("log.csv", 1 << 20);
    options.resume = reporter_.checkpoints.at(5);
    MoveOn(name + "-resumed");
    Pull resumed;
    resumed.scores = {1, 2};
    EXPECT_EQ(Run(resumed, options).kind, OutcomeKind::kSucceeded);
    EXPECT_TRUE(*ReadFile("checkpoint/10/state.safetensors", 1 << 20) == expected) << name;
    EXPECT_EQ(*ReadFile("log.csv", 1 << 20), table);
    EXPECT_EQ(resumed.losses,
              std::vector<double>(straight.losses.begin() + 5, straight.losses.end()));
    EXPECT_EQ(resumed.weight(), straight.weight());
  }
}

// One bad part voids its whole step.
TEST_F(LoopTest, ABadPartVoidsTheStep) {
  Pull task;
  TrainingPolicy policy = Falling();
  policy.accumulate = 2;
  policy.stop_on_nonfinite = false;
  task.spoil = [&](std::int64_t step, const at::Tensor& loss) {
    return step == 3 && task.parts.back() == 1 ? loss.mul(std::numeric_limits<double>::quiet_NaN())
                                               : loss;
  };
  EXPECT_EQ(Run(task, policy).kind, OutcomeKind::kSucceeded);
  EXPECT_TRUE(std::isfinite(task.weight()));
  EXPECT_EQ(task.rates[4], task.rates[3]);
}

TEST_F(LoopTest, TheTableHasTheEpochsMeans) {
  Pull task;
  Run(task);
  const std::string table = *ReadFile("log.csv", 1 << 20);
  EXPECT_TRUE(table.starts_with("epoch,step,learning_rate,train/loss,train/score,val/score\n"))
      << table;
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 4);
}

std::vector<std::string> LinesOf(const std::string& file) {
  std::vector<std::string> lines;
  std::istringstream text(*ReadFile(file, 1 << 20));
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

// It ends before a step of its own: the epoch's means are those of the attempt before.
TEST_F(LoopTest, TheTableGoesOnWhereARunIsTakenUpAndEndsAtOnce) {
  LoopOptions options{.policy = Falling(), .checkpoint = {.every_steps = 6}};
  Pull straight;
  Run(straight, options);
  options.resume = reporter_.checkpoints.at(6);
  MoveOn("resumed");
  Pull resumed;
  int commands[2];
  ASSERT_EQ(pipe(commands), 0);
  const std::string line = "{\"c\":\"finish_early\"}\n";
  ASSERT_EQ(write(commands[1], line.data(), line.size()), static_cast<ssize_t>(line.size()));
  Control control({.command_fd = commands[0]});
  EXPECT_EQ(Loop(options, resumed, reporter_, control).Run().kind, OutcomeKind::kSucceeded);
  const std::vector<std::string> lines = LinesOf("log.csv");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(std::count(lines[2].begin(), lines[2].end(), ','), 5) << lines[2];
  EXPECT_NE(lines[2].find("6,"), std::string::npos) << lines[2];
  EXPECT_EQ(lines[2].find("nan"), std::string::npos) << lines[2];
  for (const int end : commands) close(end);
}

TEST_F(LoopTest, TheTableKeepsItsColumnsWhenAnEpochHasNoFiniteLoss) {
  Pull task;
  task.spoil = [&](std::int64_t step, const at::Tensor& loss) {
    return step < 4 ? loss.mul(std::numeric_limits<double>::quiet_NaN()) : loss;
  };
  TrainingPolicy policy = Falling();
  policy.stop_on_nonfinite = false;
  Run(task, policy);
  const std::vector<std::string> lines = LinesOf("log.csv");
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0], "epoch,step,learning_rate,train/loss,train/score,val/score");
  for (const std::string& line : lines)
    EXPECT_EQ(std::count(line.begin(), line.end(), ','), 5) << line;
}

// A line through points, computed in the precision that the loop asks for.
class Line final : public Task {
 public:
  explicit Line(const char* precision) : configured_(*Precision::FromName(precision, false)) {}

  Status Prepare(Pulse&) override {
    parameters_.trained.push_back({"w", at::zeros({4}).requires_grad_(), true});
    return Ok();
  }
  Plan plan() const override { return {50, 50}; }
  ParameterSet& parameters() override { return parameters_; }
  std::vector<TrainedGroup> groups() override {
    return {{.parameters = parameters_.trained, .rate = 0.005}};
  }
  Batch TrainingBatch(MicroStep) override { return {.samples = kSamples}; }
  void UseFullPrecision(bool full) override {
    now_ = full ? configured_.Full() : configured_;
    masters.push_back(parameters_.trained[0].value.scalar_type());
  }
  BatchLoss Forward(const Batch&) override {
    const at::Tensor made = now_.Cast(points_).matmul(now_.Cast(parameters_.trained[0].value));
    computed.push_back(made.scalar_type());
    return {made.to(at::kFloat).sub(values_).square().mean(), {}};
  }
  std::vector<Metric> Evaluate(Split, Pulse&) override {
    now_ = configured_.Full();
    loss = Forward({}).loss.item<double>();
    return {{"val/loss", loss}};
  }
  std::optional<Selection> selection() const override { return std::nullopt; }

  double loss = 0;  // of the last evaluation

  std::vector<at::ScalarType> computed;
  std::vector<at::ScalarType> masters;

 private:
  const Precision configured_;
  Precision now_ = configured_;
  ParameterSet parameters_;
  const at::Tensor points_ = Points();
  const at::Tensor values_ = ValuesAt(points_);
};

TEST_F(LoopTest, EveryPrecisionFindsTheLine) {
  std::map<std::string, double> losses;
  for (const char* precision : {"fp32", "bf16", "adaptive"}) {
    Line line(precision);
    TrainingPolicy policy;
    policy.optimizer.algorithm = Algorithm::kSgd;
    policy.optimizer.momentum = 0.5;
    policy.adapt_precision = precision == std::string("adaptive");
    policy.adapting.every = 7;
    EXPECT_EQ(Run(line, policy).kind, OutcomeKind::kSucceeded);
    losses[precision] = line.loss;
    if (!policy.adapt_precision) continue;
    for (std::size_t step = 0; step < 50; ++step) {
      EXPECT_EQ(line.computed[step], step / 7 % 2 == 0 ? at::kBFloat16 : at::kFloat) << step;
      EXPECT_EQ(reporter_.series["train/compute_bits"][step], step / 7 % 2 == 0 ? 16 : 32) << step;
    }
    for (const at::ScalarType type : line.masters) EXPECT_EQ(type, at::kFloat);
  }
  // It began at 13.4 and is not through yet.
  EXPECT_LT(losses["fp32"], 6);
  EXPECT_GT(losses["fp32"], 1e-3);
  EXPECT_NEAR(losses["bf16"], losses["fp32"], 0.02 * losses["fp32"]);
  EXPECT_NEAR(losses["adaptive"], losses["fp32"], 0.02 * losses["fp32"]);
}

// What only the half type cannot do is done again in fp32, not the run's end.
TEST_F(LoopTest, AnOverflowInTheHalfTypeChangesToFp32) {
  Pull task;
  TrainingPolicy policy = Falling();
  policy.adapt_precision = true;
  task.spoil = [&](std::int64_t step, const at::Tensor& loss) {
    return step == 5 ? loss.mul(std::numeric_limits<double>::infinity()) : loss;
  };
  EXPECT_EQ(Run(task, policy).kind, OutcomeKind::kSucceeded);
  EXPECT_TRUE(std::isfinite(task.weight()));
  EXPECT_EQ(reporter_.series["train/compute_bits"][5], 16);
  EXPECT_EQ(reporter_.series["train/compute_bits"][6], 32);

  Pull again;
  again.spoil = [&](std::int64_t step, const at::Tensor& loss) {
    return step >= 5 ? loss.mul(std::numeric_limits<double>::infinity()) : loss;
  };
  EXPECT_EQ(Run(again, policy).failure, Failure::kDiverged);
  EXPECT_EQ(again.losses.size(), 6u);
}

TEST(Guard, TellsExceptionsApart) {
  auto failure = [](const std::function<void()>& body) {
    return RunGuarded([&] {
             body();
             return Outcome{};
           })
        .failure;
  };
  EXPECT_EQ(failure([] {}), Failure::kNone);
  EXPECT_EQ(failure([] { throw std::bad_alloc(); }), Failure::kOutOfMemoryHost);
  EXPECT_EQ(failure([] { at::zeros({1LL << 50}); }), Failure::kOutOfMemoryHost);
  EXPECT_EQ(failure([] { throw std::runtime_error("could not do it"); }),
            Failure::kCrashedException);
  EXPECT_EQ(failure([] { at::zeros({2}).add(at::zeros({3})); }), Failure::kCrashedException);
  EXPECT_EQ(failure([] { TORCH_CHECK_WITH(OutOfMemoryError, false, "no room"); }),
            Failure::kOutOfMemoryDevice);
}

}  // namespace
}  // namespace fusor
