// A model in which one tensor has two names, as a language model's word vectors and its head: kept
// once, trained once, and the same run whether it is interrupted or not.

#include <ATen/ops/arange.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "tests/trainer/loop_fixture.h"
#include "trainer/io/safetensors.h"

namespace fusor {
namespace {

using testing::ReadAll;

constexpr std::int64_t kWords = 7;
constexpr std::int64_t kSize = 4;

// Learns which word follows which.
class TinyLanguage final : public Task {
 public:
  Status Prepare(Pulse&) override {
    const at::Tensor numbers = at::arange(kWords * kSize).to(at::kFloat);
    at::Tensor words = numbers.mul(0.9).sin().view({kWords, kSize}).requires_grad_();
    at::Tensor bias = at::zeros({kWords}).requires_grad_();
    parameters_.trained = {
        {"wte.weight", words, false}, {"lm_head.bias", bias, false}, {"lm_head.weight", words}};
    return Ok();
  }
  Plan plan() const override { return {12, 4}; }
  ParameterSet& parameters() override { return parameters_; }
  std::vector<TrainedGroup> groups() override {
    const auto& all = parameters_.trained;
    return {{.name = "body", .parameters = {all[0]}, .rate = 0.1},
            {.name = "head", .parameters = {all[1], all[2]}, .rate = 0.2}};
  }
  Batch TrainingBatch(MicroStep at) override {
    const at::Tensor words = at::arange(3).add(at.step).remainder(kWords);
    return {.inputs = words, .targets = words.mul(2).add(1).remainder(kWords), .samples = 3};
  }
  BatchLoss Forward(const Batch& batch) override {
    const auto& all = parameters_.trained;
    const at::Tensor hidden = all[0].value.index_select(0, batch.inputs);
    const at::Tensor logits = hidden.matmul(all[2].value.t()).add(all[1].value);
    const at::Tensor chosen = at::log_softmax(logits, 1).gather(1, batch.targets.unsqueeze(1));
    return {chosen.mean().neg(), {}};
  }
  std::span<const Metric> StepMetrics(const StepFacts& facts) override {
    losses.push_back(facts.loss);
    return {};
  }
  std::vector<Metric> Evaluate(Split split, Pulse&) override {
    if (split == Split::kTest) return {};
    return {{"val/loss", Forward(TrainingBatch({})).loss.item<double>()}};
  }
  std::optional<Selection> selection() const override { return Selection{"val/loss", false}; }

  std::vector<double> losses;

 private:
  ParameterSet parameters_;
};

class TiedTest : public testing::LoopFixture {
 protected:
  static LoopOptions Options(Algorithm algorithm = Algorithm::kAdamW) {
    LoopOptions options{.policy = testing::Falling(), .checkpoint = {.every_steps = 5}};
    options.policy.optimizer.algorithm = algorithm;
    options.policy.optimizer.weight_decay = 0.1;
    return options;
  }
};

TEST_F(TiedTest, IsKeptOnceAndFoundUnderBothNames) {
  TinyLanguage task;
  EXPECT_EQ(Run(task, Options()).kind, OutcomeKind::kSucceeded);
  EXPECT_LT(task.losses.back(), task.losses.front());
  EXPECT_EQ(task.parameters().Count(), kWords * kSize + kWords);
  for (const std::string& path :
       {std::string("last/model.safetensors"), std::string("checkpoint/10/state.safetensors")}) {
    auto file = SafetensorsFile::Open(path);
    ASSERT_TRUE(file.ok()) << path;
    const std::string prefix = path.starts_with("last") ? "" : "model.";
    const TensorEntry* words = file->Find(prefix + "wte.weight");
    ASSERT_NE(words, nullptr);
    EXPECT_EQ(file->Find(prefix + "lm_head.weight"), words);
    std::size_t large = 0;
    for (const TensorEntry& entry : file->header().tensors) {
      large += entry.shape == std::vector<std::int64_t>{kWords, kSize} ? 1 : 0;
    }
    // Beside the weight, a checkpoint has its two moments.
    EXPECT_EQ(large, prefix.empty() ? 1u : 3u);
  }
}

TEST_F(TiedTest, ResumedRunEqualsStraightRun) {
  for (const Algorithm algorithm : {Algorithm::kSgd, Algorithm::kAdamW, Algorithm::kMuon}) {
    const std::string name = std::to_string(static_cast<int>(algorithm));
    MoveOn(name + "-straight");
    TinyLanguage straight;
    EXPECT_EQ(Run(straight, Options(algorithm)).kind, OutcomeKind::kSucceeded);
    const std::string expected = ReadAll("last/model.safetensors");
    const std::string best = ReadAll("best/model.safetensors");
    LoopOptions options = Options(algorithm);
    options.resume = reporter_.checkpoints.at(5);
    MoveOn(name + "-resumed");
    TinyLanguage resumed;
    const Outcome outcome = Run(resumed, options);
    ASSERT_EQ(outcome.kind, OutcomeKind::kSucceeded) << outcome.detail;
    EXPECT_TRUE(reporter_.started.bit_exact);
    EXPECT_EQ(resumed.losses,
              std::vector<double>(straight.losses.begin() + 5, straight.losses.end()));
    EXPECT_TRUE(ReadAll("last/model.safetensors") == expected) << name;
    EXPECT_TRUE(ReadAll("best/model.safetensors") == best) << name;
  }
}

// What the first name says holds: the words' own group and rate, and no decay.
TEST_F(TiedTest, IsTrainedAsItsFirstNameSays) {
  TinyLanguage task;
  LoopOptions options = Options(Algorithm::kSgd);
  options.policy.optimizer.momentum = 0;
  options.policy.schedule.shape = ScheduleOptions::Shape::kConstant;
  TinyLanguage plain;
  Control control({});
  Pulse pulse(reporter_, control);
  ASSERT_TRUE(plain.Prepare(pulse).ok());
  at::Tensor words = plain.parameters().trained[0].value;
  at::Tensor bias = plain.parameters().trained[1].value;
  for (std::int64_t step = 0; step < 12; ++step) {
    plain.Forward(plain.TrainingBatch({step})).loss.backward();
    words.detach().sub_(words.grad(), 0.1);
    bias.detach().sub_(bias.grad(), 0.2);
    words.mutable_grad().reset();
    bias.mutable_grad().reset();
  }
  EXPECT_EQ(Run(task, options).kind, OutcomeKind::kSucceeded);
  auto file = SafetensorsFile::Open("last/model.safetensors");
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(file->Read(*file->Find("lm_head.weight"))->allclose(words.detach(), 1e-5, 1e-6));
}

}  // namespace
}  // namespace fusor
