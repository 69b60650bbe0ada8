// Recipe `expert`: one image classifier of a group.

#include "common/recipe/catalogue.h"
#include "common/recipe/image_params.h"
#include "common/recipe/metrics.h"
#include "common/recipe/own_values.h"
#include "common/recipe/training_params.h"

namespace fusor {

namespace {

std::vector<Param> ExpertParams() {
  return {
      {.name = "expert",
       .type = ParamType::kInt,
       .default_value = std::int64_t{0},
       .min = 0,
       .max = 3,
       .help = "which expert of the group; decides its share of the training images"},
      {.name = "share",
       .type = ParamType::kChoice,
       .default_value = "overlap",
       .choices = {"overlap", "disjoint_classes", "full"},
       .help = "overlap: 40 % of the experts' images that all see and 15 % of its own; "
               "disjoint_classes: a quarter of the classes; full: all"},
  };
}

void Settle(ParamValues& values) {
  SettleOwn(values, OwnValuesOfModel(std::get<std::string>(values.find("model")->second)));
  const auto& optimizer = std::get<std::string>(values.find("optimizer")->second);
  const double rate = optimizer == "sgd" ? 0.1 : optimizer == "lion" ? 3e-4 : 1e-3;
  SettleValue(values, "learning_rate", rate);
}

}  // namespace

Recipe ExpertRecipe() {
  Recipe recipe;
  recipe.name = "expert";
  recipe.version = 2;
  recipe.help =
      "Trains one image classifier, evaluates it after every epoch on images it does not train on "
      "(`val/loss`, `val/accuracy`), and keeps the best. Of the training files 72 % are for "
      "experts, 8 % for their validation, and 20 % are held out for a fusion of experts; the test "
      "files are scored once, at the end.";
  const std::string own = "the model's own";
  for (auto part : {NetworkParams(), ExpertParams(), ImageParams(own),
                    TrainingParams({.epochs = 250,
                    .batch_size = "64 for densenet and 128 for the others",
                    .optimizer = "sgd",
                    .learning_rate = "0.1 with sgd, 0.0003 with lion, else 0.001",
                    .weight_decay = own,
                    .clip_norm = 1})}) {
    for (Param& param : part) recipe.params.push_back(std::move(param));
  }
  for (auto part : {ImageRules(), TrainingRules()}) {
    for (Rule& rule : part) recipe.rules.push_back(std::move(rule));
  }
  for (auto part : {ClassifierMetrics(), EngineMetrics()}) {
    for (MetricInfo& metric : part) recipe.metrics.push_back(std::move(metric));
  }
  recipe.settle = Settle;
  return recipe;
}

}  // namespace fusor
