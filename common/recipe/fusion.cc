// Recipe `fusion`: experts joined by a fusion module and trained on together.

#include <array>

#include "common/recipe/catalogue.h"
#include "common/recipe/image_params.h"
#include "common/recipe/metrics.h"
#include "common/recipe/network_options.h"
#include "common/recipe/own_values.h"
#include "common/recipe/paths.h"
#include "common/recipe/training_params.h"

namespace fusor {

namespace {

constexpr int kExperts = 4;
constexpr std::array<const char*, 6> kNetworkOptions = {"depth",       "width",         "growth",
                                                        "cardinality", "preactivation", "dropout"};
constexpr char kInitExperts[] = "init_experts";
constexpr char kInitFusion[] = "init_fusion";
constexpr char kInitGlobal[] = "init_global";

std::vector<Param> ModuleParams() {
  return {
      {.name = "fusion",
       .type = ParamType::kChoice,
       .default_value = "multiplicative",
       .choices = {"multiplicative", "multiplicativeAddition", "TransformerBase", "concatenation",
                   "simpleAddition", "multiplicativeShifted"},
       .help = "how the experts' features become one (docs/models.md)"},
      {.name = "fusion_dropout",
       .type = ParamType::kFloat,
       .default_value = 0.2,
       .min = 0,
       .max = 0.9,
       .help = "within the fusion module"},
      {.name = "alpha",
       .type = ParamType::kFloat,
       .default_value = 1.0,
       .min = 0,
       .max = 1'000,
       .help = "the loss is that of the fused features plus alpha times the sum of the experts' "
               "own"},
      {.name = "models",
       .type = ParamType::kText,
       .default_value = "",
       .help = "for experts of several architectures: the network of each, with commas between, a "
               "model and its options: 'resnet depth=10 width=16, densenet, ...'; a linear layer "
               "brings their features to one size; empty: all are `model`"},
      {.name = "feature_size",
       .type = ParamType::kInt,
       .default_value = kAuto,
       .min = 1,
       .max = 65'536,
       .help = "models: the size that features are brought to",
       .automatic = "that of the widest"},
      {.name = kInitExperts,
       .type = ParamType::kText,
       .default_value = "",
       .help = "where the experts' weights come from without `needs`: a file for each with commas "
               "between, a folder of expert_0_best to expert_3_best (.pth or .safetensors), or "
               "another fusion (its run's folder or a file of all of it); empty: the inputs, else "
               "drawn. In files also init_from: {experts: [...]}",
       .role = ParamRole::kPath,
       .member = "init_from.experts"},
      {.name = kInitFusion,
       .type = ParamType::kText,
       .default_value = "",
       .help = "the fusion module's weights to begin with: its file, or another fusion; empty: "
               "drawn. Also init_from: {fusion: FILE}",
       .role = ParamRole::kPath,
       .member = "init_from.fusion"},
      {.name = kInitGlobal,
       .type = ParamType::kText,
       .default_value = "",
       .help = "likewise of the global head; also init_from: {global: FILE}",
       .role = ParamRole::kPath,
       .member = "init_from.global"},
  };
}

std::vector<Param> DualPathParams() {
  return {
      {.name = "experts_rate_scale",
       .type = ParamType::kFloat,
       .default_value = 0.1,
       .min = 0,
       .max = 100,
       .help = "the experts' learning rate is learning_rate times this"},
      {.name = "head_learning_rate",
       .type = ParamType::kFloat,
       .default_value = kAuto,
       .min = 0,
       .max = 100,
       .help = "of the fusion module and the global head",
       .automatic = "0.0005 (multiplicative, multiplicativeShifted), 0.001 "
                    "(multiplicativeAddition, concatenation, simpleAddition) or 0.0002 "
                    "(TransformerBase); times 0.8 above 1000 features, 1.2 below 100"},
      {.name = "freeze_experts",
       .type = ParamType::kBool,
       .default_value = false,
       .help = "the experts stay as they are"},
      {.name = "freeze_epochs",
       .type = ParamType::kInt,
       .default_value = std::int64_t{0},
       .min = 0,
       .max = 100'000,
       .help = "epochs at the beginning in which the experts stay as they are"},
      {.name = "pcgrad",
       .type = ParamType::kBool,
       .default_value = false,
       .help = "where the gradients of the two losses point against each other, each loses that "
               "part"},
      {.name = "clip",
       .type = ParamType::kChoice,
       .default_value = "joint",
       .choices = {"joint", "component"},
       .help = "clip_norm holds for all gradients together, or component by component"},
      {.name = "clip_norm_experts",
       .type = ParamType::kFloat,
       .default_value = 5.0,
       .min = 0,
       .max = 1e6,
       .help = "clip=component: of the experts, in place of clip_norm"},
  };
}

Status CheckFreeze(const ParamValues& values) {
  const bool frozen = std::get<bool>(values.find("freeze_experts")->second);
  const auto epochs = std::get<std::int64_t>(values.find("freeze_epochs")->second);
  const bool pcgrad = std::get<bool>(values.find("pcgrad")->second);
  if (frozen && epochs > 0) {
    return InvalidArgument("freeze_experts freezes them for all epochs; leave freeze_epochs away");
  }
  if (frozen && pcgrad) {
    return InvalidArgument("pcgrad settles conflicts in the experts, which freeze_experts freezes");
  }
  return Ok();
}

Status CheckPrecision(const ParamValues& values) {
  const bool pcgrad = std::get<bool>(values.find("pcgrad")->second);
  if (!pcgrad || std::get<std::string>(values.find("precision")->second) != "fp16") return Ok();
  return InvalidArgument("pcgrad compares gradients, which fp16 scales; use bf16");
}

Status CheckModels(const ParamValues& values) {
  const auto networks = ReadNetworks(std::get<std::string>(values.find("models")->second));
  if (!networks.ok()) return networks.status();
  if (networks->empty() || networks->size() == kExperts) return Ok();
  return InvalidArgument("models names " + std::to_string(networks->size()) + " models, not " +
                         std::to_string(kExperts));
}

Status CheckSizes(const ParamValues& values) {
  if (std::get<std::string>(values.find("models")->second).empty()) return Ok();
  for (const char* option : kNetworkOptions) {
    if (IsAuto(values.find(option)->second)) continue;
    return InvalidArgument(std::string(option) +
                           " is no model's own where `models` names several: write it behind the "
                           "one that has it, 'resnet depth=10 width=16, ...'");
  }
  return Ok();
}

void Settle(ParamValues& values) {
  SettleOwn(values, OwnValuesOfFusion(std::get<std::string>(values.find("fusion")->second)));
}

std::vector<MetricInfo> Metrics() {
  std::vector<MetricInfo> metrics;
  for (const std::string split : {"train", "val", "test"}) {
    metrics.push_back({split + "/loss_global", "of the fused features"});
    metrics.push_back({split + "/loss_individual", "the sum of the experts' own"});
    if (split != "train") {
      metrics.push_back({split + "/gain", split + "/accuracy less the best expert's, in points"});
    }
    for (int k = 0; k < kExperts; ++k) {
      const std::string expert = split + "/expert_" + std::to_string(k);
      metrics.push_back({expert + "_accuracy", "of the expert's own head"});
      metrics.push_back({expert + "_loss", "of the expert's own head"});
    }
  }
  return metrics;
}

}  // namespace

Recipe FusionRecipe() {
  Recipe recipe;
  recipe.name = "fusion";
  recipe.version = 2;
  recipe.help =
      "Joins four experts by a fusion module and a global head, and trains all of it on images "
      "that "
      "no expert has seen. Everything is judged in one pass: the fusion, and each expert by its "
      "own "
      "head. Without inputs and without `init_experts` the experts begin with drawn weights.";
  recipe.inputs_max = kExperts;
  recipe.inputs_param = kInitExperts;
  const std::string own = "the fusion's own";
  for (auto part :
       {ModuleParams(), DualPathParams(), NetworkParams(), ImageParams(own),
        TrainingParams({.epochs = 100,
        .batch_size = "128",
        .optimizer = "adamw",
        .learning_rate = "0.0001, or 0.00005 with TransformerBase; times 0.7 above 1000 "
                         "features, 1.3 below 100, and 0.8 for TransformerBase above 500, 1.1 "
                         "for multiplicative below 500",
        .weight_decay = own,
        .rate_floor = 0.1,
        .clip_norm = 1})}) {
    for (Param& param : part) recipe.params.push_back(std::move(param));
  }
  for (auto part : {ImageRules(), TrainingRules()}) {
    for (Rule& rule : part) recipe.rules.push_back(std::move(rule));
  }
  recipe.rules.push_back({.reads = {"models"},
                          .says = "`models` names four models, each with its options, or none",
                          .check = CheckModels});
  Rule sizes{.reads = {"models"},
             .says = "the size of a network stands in `models` where there are any",
             .check = CheckSizes};
  sizes.reads.insert(sizes.reads.end(), kNetworkOptions.begin(), kNetworkOptions.end());
  recipe.rules.push_back(std::move(sizes));
  recipe.rules.push_back({.reads = {"freeze_experts", "freeze_epochs", "pcgrad"},
                          .says = "`freeze_experts` stands without `freeze_epochs` and `pcgrad`",
                          .check = CheckFreeze});
  for (Rule& rule :
       std::vector<Rule>{AbsolutePathRule<kInitExperts>(), AbsolutePathRule<kInitFusion>(),
                         AbsolutePathRule<kInitGlobal>()}) {
    recipe.rules.push_back(std::move(rule));
  }
  recipe.rules.push_back({.reads = {"pcgrad", "precision"},
                          .says = "`pcgrad` stands without `fp16`",
                          .check = CheckPrecision});
  for (auto part : {Metrics(), ClassifierMetrics(), EngineMetrics()}) {
    for (MetricInfo& metric : part) recipe.metrics.push_back(std::move(metric));
  }
  recipe.gain = GainInfo{.part = "expert", .whole = "val/accuracy", .parts = {}};
  for (int k = 0; k < kExperts; ++k) {
    recipe.gain->parts.push_back("val/expert_" + std::to_string(k) + "_accuracy");
  }
  recipe.file_shapes = {"data", "fusion", "models", "feature_size"};
  for (const Param& param : NetworkParams()) recipe.file_shapes.push_back(param.name);
  recipe.settle = Settle;
  return recipe;
}

}  // namespace fusor
