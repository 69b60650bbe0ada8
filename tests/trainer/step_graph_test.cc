// Recorded steps, with a plug-in that queues nothing but runs what was recorded again: what the
// host said while recording must not be what later steps get.

#include "trainer/engine/step_graph.h"

#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/trainer/agent.h"
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

  std::string Version() const override { return "none"; }
  void Start() override {}
  void AllowTf32(bool) override {}
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
    const double towards = 3 + 0.1 * static_cast<double>(at.step) + static_cast<double>(at.part);
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

class Silent final : public Reporter {
 public:
  StartedReport started;

  void Started(const StartedReport& report) override { started = report; }
  void Progress(const ProgressReport&) override {}
  void Metrics(std::int64_t, std::span<const Metric>) override {}
  void Evaluated(const EvaluationReport&) override {}
  void Checkpointed(std::int64_t, std::span<const std::string>) override {}
  void Made(const ArtifactReport&) override {}
  void Ended(std::int64_t, const Outcome&) override {}
};

TrainingPolicy Falling(Algorithm algorithm) {
  TrainingPolicy policy;
  policy.optimizer = {.algorithm = algorithm, .momentum = 0.5, .kernels = Kernels::kFramework};
  policy.schedule.shape = ScheduleOptions::Shape::kLinear;
  policy.accumulate = 2;
  policy.clip_norm = 20;
  return policy;
}

class StepGraphTest : public ::testing::Test {
 protected:
  StepGraphTest() : before_(std::filesystem::current_path()) {
    std::filesystem::current_path(root_.path());
  }
  ~StepGraphTest() override { std::filesystem::current_path(before_); }

  Outcome Run(Task& task, const TrainingPolicy& policy, CudaPlugin* cuda) {
    LoopOptions options;
    options.policy = policy;
    options.cuda = cuda;
    options.read_late = cuda != nullptr;
    Control control({});
    return RunGuarded([&] { return Loop(std::move(options), task, reporter_, control).Run(); });
  }

  testing::TemporaryDirectory root_;
  std::filesystem::path before_;
  Silent reporter_;
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
    EXPECT_EQ(reporter_.started.info.at("cuda_graph"), "yes");
    EXPECT_EQ(straight.losses.size(), 12u);
    EXPECT_EQ(straight.losses, recorded.losses);
    EXPECT_EQ(straight.norms, recorded.norms);
    EXPECT_EQ(straight.weight(), recorded.weight());
  }
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
  policy.graph = GraphUse::kOn;
  const Outcome outcome = Run(insisting, policy, &gpu);
  EXPECT_EQ(outcome.kind, OutcomeKind::kFailed);
  EXPECT_NE(outcome.detail.find("not permitted when stream is capturing"), std::string::npos)
      << outcome.detail;
}

TEST_F(StepGraphTest, OnWithoutAGpuIsRefused) {
  Pull task;
  TrainingPolicy policy = Falling(Algorithm::kSgd);
  policy.graph = GraphUse::kOn;
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
  EXPECT_EQ(obstacle([](TrainingPolicy& p) { p.graph = GraphUse::kOff; }), "cuda_graph is off");
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
