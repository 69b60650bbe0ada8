// What every recipe must keep to, whatever it trains.

#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "trainer/contract/silent_reporter.h"
#include "trainer/recipes/classifier.h"
#include "trainer/recipes/registry.h"

namespace fusor {
namespace {

// A recipe's task on synthetic images, small.
class RecipesTest : public ::testing::Test {
 protected:
  std::unique_ptr<Task> Make(const std::string& recipe, ParamValues values = {}) {
    job_.recipe = FindRecipe(recipe);
    if (recipe != "probe") {
      for (const auto& [name, value] : {std::pair("width", 2), {"depth", 10}, {"batch_size", 16}}) {
        values.insert({name, std::int64_t{value}});
      }
    }
    auto config = MakeConfig(*job_.recipe, std::move(values));
    EXPECT_TRUE(config.ok()) << config.status().message();
    job_.config = *config;
    auto task = MakeTask(job_, Device());
    EXPECT_TRUE(task.ok()) << task.status().message();
    return std::move(*task);
  }

  Job job_;
  SilentReporter nobody_;
  Control control_{{}};
  Pulse pulse_{nobody_, control_};
};

TEST_F(RecipesTest, NothingIsChosenByTestData) {
  for (const Recipe& recipe : Catalogue()) {
    const auto task = Make(recipe.name);
    for (const auto& chosen : {task->selection(), task->objective()}) {
      if (chosen) {
        EXPECT_TRUE(chosen->metric.starts_with("val/")) << recipe.name;
      }
    }
    EXPECT_TRUE(task->objective()) << recipe.name;
  }
}

// Norms, biases and single weights keep their size; matrices and convolutions shrink. Each
// parameter is in one group and none is left out.
TEST_F(RecipesTest, GroupsHoldEveryParameterOnceAndOnlyMatricesDecay) {
  std::vector<std::pair<std::string, ParamValues>> all = {{"expert", {}}};
  for (const char* fusion : {"multiplicative", "multiplicativeAddition", "TransformerBase",
                             "concatenation", "simpleAddition", "multiplicativeShifted"}) {
    all.push_back({"fusion", {{"fusion", fusion}}});
  }
  for (const auto& [recipe, values] : all) {
    const auto task = Make(recipe, values);
    ASSERT_TRUE(task->Prepare(pulse_).ok());
    std::set<std::string> named;
    for (const TrainedGroup& group : task->groups()) {
      for (const Parameter& parameter : group.parameters) {
        EXPECT_TRUE(named.insert(parameter.name).second) << parameter.name;
        EXPECT_EQ(parameter.decay, parameter.value.dim() > 1) << parameter.name;
      }
    }
    EXPECT_EQ(named.size(), task->parameters().trained.size());
  }
}

TEST_F(RecipesTest, EvaluationLeavesTheModelAlone) {
  at::NoGradGuard no_grad;
  for (const char* recipe : {"expert", "fusion"}) {
    const auto task = Make(recipe, {{"evaluate_subset", 50.0}});
    ASSERT_TRUE(task->Prepare(pulse_).ok());
    task->Forward(task->TrainingBatch({}));
    std::vector<at::Tensor> before;
    for (const Parameter& p : task->parameters().trained) before.push_back(p.value.clone());
    for (const Buffer& b : task->parameters().buffers) before.push_back(b.value.clone());
    const double loss = task->Evaluate(Split::kValidation, pulse_)[0].value;
    EXPECT_EQ(task->Evaluate(Split::kValidation, pulse_)[0].value, loss);
    std::size_t i = 0;
    for (const Parameter& p : task->parameters().trained) EXPECT_TRUE(p.value.equal(before[i++]));
    for (const Buffer& b : task->parameters().buffers) EXPECT_TRUE(b.value.equal(before[i++]));
  }
}

// The same images in every part, so that what differs is what was dropped.
TEST_F(RecipesTest, PartsOfAStepDropDifferently) {
  at::NoGradGuard no_grad;
  for (const char* recipe : {"expert", "fusion"}) {
    const auto task = Make(recipe, {{"dropout", 0.5}, {"accumulate", std::int64_t{2}}});
    ASSERT_TRUE(task->Prepare(pulse_).ok());
    Batch batch = task->TrainingBatch({0, 0});
    std::set<double> losses;
    for (const MicroStep at : {MicroStep{0, 0}, {0, 1}, {1, 0}, {1, 1}, {0, 1}, {1, 0}}) {
      batch.at = at;
      losses.insert(task->Forward(batch).loss.item<double>());
    }
    EXPECT_EQ(losses.size(), 4u) << recipe;
  }
}

// 300 images go through the model as 256 and 44.
TEST_F(RecipesTest, EvaluationTakesEachSampleOnce) {
  at::NoGradGuard no_grad;
  const auto task = Make("expert", {{"evaluate_subset", 300.0}});
  ASSERT_TRUE(task->Prepare(pulse_).ok());
  for (const Split split : {Split::kValidation, Split::kTest}) {
    std::vector<std::int64_t> sizes;
    std::set<double> answers;
    double right = 0;
    task->classifier()->ForEachAnswer(
        split, {}, [&](const std::vector<at::Tensor>& logits, const at::Tensor& labels) {
          sizes.push_back(labels.size(0));
          right += logits[0].argmax(1).eq(labels).sum().item<double>();
          for (std::int64_t i = 0; i < labels.size(0); ++i) {
            answers.insert(logits[0][i].to(at::kDouble).sum().item<double>());
          }
        });
    EXPECT_EQ(sizes, (std::vector<std::int64_t>{256, 44}));
    EXPECT_GT(answers.size(), 290u);
    const std::string name = std::string(SplitName(split)) + "/accuracy";
    for (const Metric& metric : task->Evaluate(split, pulse_)) {
      if (metric.name == name) {
        EXPECT_DOUBLE_EQ(metric.value, right / 300);
      }
    }
  }
}

}  // namespace
}  // namespace fusor
