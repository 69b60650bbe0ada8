// Recorded steps, with a plug-in that queues nothing but runs what was recorded again. It shows
// that batches and rates are renewed, and when is recorded; what a device would keep of anything
// else that the host said, `tests/gpu/run.sh` shows.

#include "trainer/engine/step_graph.h"

#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/trainer/loop_fixture.h"
#include "trainer/engine/guard.h"
#include "trainer/engine/loop.h"

namespace fusor {
namespace {

class FakeArrival final : public CudaArrival {
 public:
  explicit FakeArrival(at::Tensor tensor) : tensor_(std::move(tensor)) {}
  const at::Tensor& Wait() override { return tensor_; }

 private:
  const at::Tensor tensor_;
};

class FakeGraph final : public CudaGraph {
 public:
  FakeGraph(std::function<void()> work, int& replays) : work_(std::move(work)), replays_(replays) {}
  void Replay() override {
    ++replays_;
    work_();
  }

 private:
  const std::function<void()> work_;
  int& replays_;
};

class FakeGpu final : public CudaPlugin {
 public:
  int captures = 0;
  int replays = 0;
  bool refuses = false;
  std::vector<bool> tuned;

  std::string Version() const override { return "none"; }
  void Start() override {}
  void AllowTf32(bool) override {}
  void TuneConvolutions(bool tune) override { tuned.push_back(tune); }
  std::string DeviceName() const override { return "none"; }
  CudaMemory Memory() const override { return {}; }
  at::Tensor ToDevice(const at::Tensor& tensor) override { return tensor.clone(); }
  std::unique_ptr<CudaArrival> ToHost(const at::Tensor& tensor) override {
    return std::make_unique<FakeArrival>(tensor.clone());
  }
  std::unique_ptr<CudaGraph> Capture(const std::function<void()>& work) override {
    ++captures;
    TORCH_CHECK(!refuses, "operation not permitted when stream is capturing");
    return std::make_unique<FakeGraph>(work, replays);
  }
  void Synchronize() override {}
};

// w is pulled towards another number in each part of each step.
class Pull final : public Task {
 public:
  std::int64_t frozen_steps = 0;
  std::int64_t spoiled_steps = 0;  // the first ones, by a loss that is no number
  std::vector<double> losses;
  std::vector<double> norms;

  Status Prepare(Pulse&) override {
    parameters_.trained.push_back({"w", at::zeros({2}).requires_grad_(), true});
    return Ok();
  }
  Plan plan() const override { return {12, 4}; }
  ParameterSet& parameters() override { return parameters_; }
  std::vector<TrainedGroup> groups() override {
    return {{.parameters = parameters_.trained, .rate = 0.125, .frozen_steps = frozen_steps}};
  }
  Batch TrainingBatch(MicroStep at) override {
    double towards = 3 + 0.1 * static_cast<double>(at.step) + static_cast<double>(at.part);
    if (at.step < spoiled_steps) towards = std::numeric_limits<double>::quiet_NaN();
    return {.inputs = at::zeros({2}), .targets = at::full({2}, towards), .samples = 2};
  }
  BatchLoss Forward(const Batch& batch) override {
    const at::Tensor loss = parameters_.trained[0].value.sub(batch.targets).square().sum();
    return {loss, {{"train/score", loss.sqrt()}}};
  }
  std::string GraphObstacle() const override { return {}; }
  std::span<const Metric> StepMetrics(const StepFacts& facts) override {
    losses.push_back(facts.loss);
    if (facts.gradient_norm) norms.push_back(*facts.gradient_norm);
    return {};
  }
  std::vector<Metric> Evaluate(Split, Pulse&) override { return {}; }
  std::optional<Selection> selection() const override { return std::nullopt; }

  double weight() const { return parameters_.trained[0].value[0].item<double>(); }

 private:
  ParameterSet parameters_;
};

TrainingPolicy Falling(Algorithm algorithm) {
  TrainingPolicy policy;
  policy.optimizer = {.algorithm = algorithm, .momentum = 0.5, .kernels = Kernels::kFramework};
  policy.schedule.shape = ScheduleOptions::Shape::kLinear;
  policy.accumulate = 2;
  policy.clip_norm = 20;
  return policy;
}

class StepGraphTest : public testing::LoopFixture {
 protected:
  Outcome Run(Task& task, LoopOptions options) {
    options.read_late = options.cuda != nullptr;
    return RunGuarded([&] { return LoopFixture::Run(task, options); });
  }
  Outcome Run(Task& task, const TrainingPolicy& policy, CudaPlugin* cuda) {
    return Run(task, LoopOptions{.policy = policy, .cuda = cuda});
  }
};

TEST_F(StepGraphTest, StepsRunAgainAreTheStepsThemselves) {
  for (const Algorithm algorithm : {Algorithm::kSgd, Algorithm::kAdam, Algorithm::kAdamW}) {
    Pull straight;
    Pull recorded;
    FakeGpu gpu;
    EXPECT_EQ(Run(straight, Falling(algorithm), nullptr).kind, OutcomeKind::kSucceeded);
    EXPECT_EQ(Run(recorded, Falling(algorithm), &gpu).kind, OutcomeKind::kSucceeded);
    EXPECT_EQ(gpu.captures, 1);
    EXPECT_EQ(gpu.replays, 12 - StepGraph::kWarmUpSteps);
    EXPECT_EQ(reporter_.started.info.at("cuda_graph"), "tried");
    EXPECT_EQ(straight.losses.size(), 12u);
    EXPECT_EQ(straight.losses, recorded.losses);
    EXPECT_EQ(straight.norms, recorded.norms);
    EXPECT_EQ(straight.weight(), recorded.weight());
  }
}

TEST_F(StepGraphTest, TriesKernelsForStepsAloneAndWhereItPays) {
  const auto tuned = [this](AutoSwitch tune) {
    Pull task;
    FakeGpu gpu;
    TrainingPolicy policy = Falling(Algorithm::kSgd);
    policy.tune = tune;
    EXPECT_EQ(Run(task, policy, &gpu).kind, OutcomeKind::kSucceeded);
    return gpu.tuned;
  };
  // At the beginning; then off and on again around three epochs' evaluations and the test.
  EXPECT_EQ(tuned(AutoSwitch::kOn), std::vector<bool>({1, 0, 1, 0, 1, 0, 1, 0, 1}));
  EXPECT_EQ(tuned(AutoSwitch::kWherePays), std::vector<bool>(9, false));  // twelve steps
  TrainingPolicy policy;
  EXPECT_TRUE(policy.Tunes(1'000));
  EXPECT_FALSE(policy.Tunes(999));
  policy.tune = AutoSwitch::kOff;
  EXPECT_FALSE(policy.Tunes(1'000'000));
}

TEST_F(StepGraphTest, RecordsWhenNothingIsFrozenAnyMore) {
  Pull straight;
  Pull recorded;
  FakeGpu gpu;
  straight.frozen_steps = recorded.frozen_steps = 5;
  EXPECT_EQ(Run(straight, Falling(Algorithm::kAdamW), nullptr).kind, OutcomeKind::kSucceeded);
  EXPECT_EQ(Run(recorded, Falling(Algorithm::kAdamW), &gpu).kind, OutcomeKind::kSucceeded);
  EXPECT_EQ(gpu.replays, 12 - 5 - StepGraph::kWarmUpSteps);
  EXPECT_EQ(straight.losses, recorded.losses);
  EXPECT_EQ(straight.weight(), recorded.weight());
}

// Steps that were passed over before a checkpoint leave the groups frozen for as many more.
TEST_F(StepGraphTest, PassedOverStepsThawNothing) {
  LoopOptions options{.policy = Falling(Algorithm::kSgd), .checkpoint = {.every_steps = 6}};
  options.policy.stop_on_nonfinite = false;
  Pull before;
  before.frozen_steps = 5;
  before.spoiled_steps = 4;
  EXPECT_EQ(Run(before, options).kind, OutcomeKind::kSucceeded);

  FakeGpu gpu;
  options = {
      .policy = Falling(Algorithm::kSgd), .resume = reporter_.checkpoints.at(6), .cuda = &gpu};
  Pull resumed;
  resumed.frozen_steps = 5;
  MoveOn("resumed");
  EXPECT_EQ(Run(resumed, options).kind, OutcomeKind::kSucceeded);
  // 5 of them were applied after 9 steps; with 3 to warm up that is all of 12.
  EXPECT_EQ(gpu.captures, 0);
  EXPECT_EQ(resumed.weight(), before.weight());
}

TEST_F(StepGraphTest, WhatCannotBeRecordedIsComputedAsEver) {
  Pull straight;
  Pull refused;
  FakeGpu gpu;
  gpu.refuses = true;
  EXPECT_EQ(Run(straight, Falling(Algorithm::kSgd), nullptr).kind, OutcomeKind::kSucceeded);
  EXPECT_EQ(Run(refused, Falling(Algorithm::kSgd), &gpu).kind, OutcomeKind::kSucceeded);
  EXPECT_EQ(gpu.captures, 1);
  EXPECT_EQ(straight.losses, refused.losses);
  EXPECT_EQ(straight.weight(), refused.weight());

  Pull insisting;
  TrainingPolicy policy = Falling(Algorithm::kSgd);
  policy.graph = AutoSwitch::kOn;
  const Outcome outcome = Run(insisting, policy, &gpu);
  EXPECT_EQ(outcome.kind, OutcomeKind::kFailed);
  EXPECT_NE(outcome.detail.find("not permitted when stream is capturing"), std::string::npos)
      << outcome.detail;
}

TEST_F(StepGraphTest, OnWithoutAGpuIsRefused) {
  Pull task;
  TrainingPolicy policy = Falling(Algorithm::kSgd);
  policy.graph = AutoSwitch::kOn;
  EXPECT_EQ(Run(task, policy, nullptr).detail, "cuda_graph=on: the trial has no GPU");
}

TEST(GraphObstacle, NamesWhatAStepAsksTheHost) {
  Pull task;
  FakeGpu gpu;
  const auto obstacle = [&](const std::function<void(TrainingPolicy&)>& change) {
    TrainingPolicy policy = Falling(Algorithm::kAdamW);
    change(policy);
    return GraphObstacle(&gpu, policy, task);
  };
  EXPECT_EQ(obstacle([](TrainingPolicy&) {}), "");
  EXPECT_EQ(obstacle([](TrainingPolicy& p) { p.graph = AutoSwitch::kOff; }), "cuda_graph is off");
  EXPECT_NE(obstacle([](TrainingPolicy& p) { p.scale_loss = true; }).find("fp16"),
            std::string::npos);
  EXPECT_NE(obstacle([](TrainingPolicy& p) { p.adapt_precision = true; }).find("adaptive"),
            std::string::npos);
  EXPECT_NE(obstacle([](TrainingPolicy& p) { p.stop_on_nonfinite = false; }).find("on_nonfinite"),
            std::string::npos);
  for (const Algorithm algorithm : {Algorithm::kLion, Algorithm::kMuon}) {
    EXPECT_NE(obstacle([&](TrainingPolicy& p) { p.optimizer.algorithm = algorithm; }).find("lion"),
              std::string::npos);
  }
  EXPECT_EQ(GraphObstacle(nullptr, Falling(Algorithm::kSgd), task), "the trial has no GPU");
}

}  // namespace
}  // namespace fusor
