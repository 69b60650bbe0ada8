// Recipe `expert`: one image classifier of a group.

#include "common/recipe/catalogue.h"

namespace fusor {

namespace {

Status CheckSubset(const ParamValues& values) {
  const auto subset = std::get<std::int64_t>(values.find("subset")->second);
  const auto batch = std::get<std::int64_t>(values.find("batch_size")->second);
  if (subset == 0 || subset >= batch) return Ok();
  return InvalidArgument("subset " + std::to_string(subset) + " is smaller than batch_size " +
                         std::to_string(batch) + ", so no batch would ever be full");
}

std::vector<Param> ModelParams() {
  return {
      {.name = "model",
       .type = ParamType::kChoice,
       .default_value = "resnet",
       .choices = {"resnet"},
       .help = "the network"},
      {.name = "depth",
       .type = ParamType::kInt,
       .default_value = std::int64_t{18},
       .choices = {"10", "18"},
       .help = "layers: 10 has one block per group, 18 has two"},
      {.name = "width",
       .type = ParamType::kInt,
       .default_value = std::int64_t{64},
       .min = 1,
       .max = 1024,
       .help = "channels of the first group; each later group has twice as many"},
      {.name = "expert",
       .type = ParamType::kInt,
       .default_value = std::int64_t{0},
       .min = 0,
       .max = 3,
       .help = "which expert of the group; decides its share of the training images"},
      {.name = "share",
       .type = ParamType::kChoice,
       .default_value = "full",
       .choices = {"overlap", "full"},
       .help = "full: every expert sees all of the experts' images; overlap: 40 % that all see and "
               "15 % of its own"},
  };
}

std::vector<Param> DataParams() {
  return {
      {.name = "data",
       .type = ParamType::kChoice,
       .default_value = "synthetic",
       .choices = {"synthetic", "cifar10", "cifar100"},
       .help =
           "synthetic: images made on the spot, learnable, no files needed; the others are read "
           "from the worker's data sets",
       .role = ParamRole::kDataset},
      {.name = "subset",
       .type = ParamType::kInt,
       .default_value = std::int64_t{0},
       .min = 0,
       .max = 10'000'000,
       .help = "train on so many images of the share only; 0: all"},
      {.name = "augment",
       .type = ParamType::kBool,
       .default_value = true,
       .help = "random crops and flips of the training images"},
  };
}

std::vector<Param> TrainingParams() {
  return {
      {.name = "epochs",
       .type = ParamType::kInt,
       .default_value = std::int64_t{10},
       .min = 1,
       .max = 100'000,
       .help = "passes over the training images"},
      {.name = "batch_size",
       .type = ParamType::kInt,
       .default_value = std::int64_t{128},
       .min = 1,
       .max = 65'536,
       .help = "images per step"},
      {.name = "learning_rate",
       .type = ParamType::kFloat,
       .default_value = 0.1,
       .min = 0,
       .max = 100,
       .help = "of SGD at the start; it falls to 0 along a cosine"},
      {.name = "momentum",
       .type = ParamType::kFloat,
       .default_value = 0.9,
       .min = 0,
       .max = 0.9999,
       .help = "of SGD (Nesterov)"},
      {.name = "weight_decay",
       .type = ParamType::kFloat,
       .default_value = 5e-4,
       .min = 0,
       .max = 1,
       .help = "of the convolution and linear weights"},
      {.name = "label_smoothing",
       .type = ParamType::kFloat,
       .default_value = 0.0,
       .min = 0,
       .max = 0.9,
       .help = "share of the target that goes to all classes alike"},
      {.name = "clip_norm",
       .type = ParamType::kFloat,
       .default_value = 0.0,
       .min = 0,
       .max = 1e6,
       .help = "largest norm of all gradients together; 0: not clipped"},
      {.name = "precision",
       .type = ParamType::kChoice,
       .default_value = "fp32",
       .choices = {"fp32", "tf32", "bf16", "fp16"},
       .help = "what forward and backward compute in; weights are kept in fp32",
       .role = ParamRole::kPrecision},
      {.name = "on_nonfinite",
       .type = ParamType::kChoice,
       .default_value = "stop",
       .choices = {"stop", "continue"},
       .help = "a loss that is NaN or infinite ends the trial as diverged, or is passed over"},
      {.name = "seed",
       .type = ParamType::kInt,
       .default_value = std::int64_t{0},
       .min = 0,
       .max = 9'007'199'254'740'992,
       .help = "of everything random; set by the sweep's `seeds`",
       .role = ParamRole::kSeed},
  };
}

}  // namespace

Recipe ExpertRecipe() {
  Recipe recipe;
  recipe.name = "expert";
  recipe.help =
      "Trains one image classifier with SGD, evaluates it after every epoch on images it does not "
      "train on (`val/loss`, `val/accuracy`), and keeps the best. Of the training files 72 % are "
      "for experts, 8 % for validation, and 20 % are held out for a fusion of experts; the test "
      "files are scored once, at the end.";
  for (auto part : {ModelParams(), DataParams(), TrainingParams()}) {
    for (Param& param : part) recipe.params.push_back(std::move(param));
  }
  recipe.rules = {{.reads = {"subset", "batch_size"},
                   .says = "`subset` is 0 or at least `batch_size`",
                   .check = CheckSubset}};
  return recipe;
}

}  // namespace fusor
