#include "common/recipe/image_params.h"

#include <utility>

#include "common/recipe/paths.h"

namespace fusor {

namespace {

constexpr char kSplits[] = "splits";
constexpr double kSubsetMax = 10'000'000;

// Some of the options need not be there: a rule sees no more than what it reads.
template <class Number>
std::optional<Number> Given(const ParamValues& values, std::string_view name) {
  const auto found = values.find(name);
  const auto* value = found == values.end() ? nullptr : std::get_if<Number>(&found->second);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

Status CheckNetwork(const ParamValues& values) {
  return CompleteOptions(NetworkOptionsOf(values)).status();
}

Status CheckSubset(const ParamValues& values) {
  const double subset = std::get<double>(values.find("subset")->second);
  const auto batch = Given<std::int64_t>(values, "batch_size");
  if (subset <= 1 || !batch || subset >= static_cast<double>(*batch)) return Ok();
  return InvalidArgument("subset " + DisplayText(static_cast<std::int64_t>(subset)) +
                         " is smaller than batch_size " + std::to_string(*batch) +
                         ", so no batch would ever be full");
}

Status CheckHoldout(const ParamValues& values) {
  if (IsAuto(values.find("holdout")->second)) return Ok();
  if (std::get<std::string>(values.find("splits")->second).empty()) return Ok();
  return InvalidArgument(
      "splits and holdout are both given: the folder's files say what is held out");
}

Status CheckWhole(const ParamValues& values) {
  for (const char* name : {"subset", "evaluate_subset"}) {
    const double subset = std::get<double>(values.find(name)->second);
    if (subset <= 1 || subset == static_cast<double>(static_cast<std::int64_t>(subset))) continue;
    return InvalidArgument(std::string(name) + " " + DisplayText(subset) +
                           " is above 1 and no whole number");
  }
  return Ok();
}

Param Number(std::string name, ParamType type, double min, double max, std::string help,
             std::string automatic) {
  return {.name = std::move(name),
          .type = type,
          .default_value = kAuto,
          .min = min,
          .max = max,
          .help = std::move(help),
          .automatic = std::move(automatic)};
}

std::vector<Param> SourceParams() {
  return {
      {.name = "data",
       .type = ParamType::kChoice,
       .default_value = "synthetic",
       .choices = {"synthetic", "cifar10", "cifar100"},
       .help = "synthetic: images made on the spot, learnable, no files needed; the others are "
               "read from the worker's data sets",
       .role = ParamRole::kDataset},
      {.name = "splits",
       .type = ParamType::kText,
       .default_value = "",
       .help = "a folder of index files that say which training images are whose (docs/data.md); "
               "empty: the published division of cifar100, else each class alike",
       .role = ParamRole::kPath},
      {.name = "holdout",
       .type = ParamType::kFloat,
       .default_value = kAuto,
       .min = 0.01,
       .max = 0.99,
       .help =
           "the share of the training images that experts never see and their fusion trains on; "
           "the same for an expert and its fusion",
       .automatic = "`splits`, else the published division of cifar100, else 0.2"},
      {.name = "validation",
       .type = ParamType::kFloat,
       .default_value = 0.1,
       .min = 0.001,
       .max = 0.9,
       .help = "the share of either part that is not trained on but validated with"},
      {.name = "subset",
       .type = ParamType::kFloat,
       .default_value = 0.0,
       .min = 0,
       .max = kSubsetMax,
       .help = "train on a part only, each class alike: up to 1 a share, above it so many images; "
               "0: on all"},
      {.name = "evaluate_subset",
       .type = ParamType::kFloat,
       .default_value = 0.0,
       .min = 0,
       .max = kSubsetMax,
       .help = "likewise for validation and test"},
      {.name = "export",
       .type = ParamType::kChoice,
       .default_value = "both",
       .choices = {"both", "best", "none"},
       .help = "of which model parts are written for use elsewhere, as .pth and .safetensors: of "
               "the best and the last, of the best alone, of none"},
      {.name = "shuffle_labels",
       .type = ParamType::kBool,
       .default_value = false,
       .help = "gives the training images each other's labels: a check that nothing can be learned "
               "from them"},
  };
}

std::vector<Param> ChangeParams(const std::string& own) {
  return {
      {.name = "augment",
       .type = ParamType::kChoice,
       .default_value = kAuto,
       .choices = {"none", "crop_flip", "color_jitter", "rand_augment", "trivial_augment"},
       .help = "random changes of the training images; all but none crop and flip too",
       .automatic = own},
      Number("rand_operations", ParamType::kInt, 1, 14, "rand_augment: operations an image", own),
      Number("rand_magnitude", ParamType::kInt, 0, 30, "rand_augment: how strong they are", own),
      Number("erase", ParamType::kFloat, 0, 1, "the chance that a rectangle of an image is erased",
             own + ", with its own augment, else 0"),
      {.name = "mixup",
       .type = ParamType::kFloat,
       .default_value = 0.0,
       .min = 0,
       .max = 100,
       .help = "averages images in pairs, with shares from Beta(x, x); 0: never"},
      {.name = "cutmix",
       .type = ParamType::kFloat,
       .default_value = 1.0,
       .min = 0,
       .max = 100,
       .help = "cuts a box of another image in, with shares from Beta(x, x); 0: never; with mixup "
               "too a coin decides for each batch"},
      Number("label_smoothing", ParamType::kFloat, 0, 0.9,
             "share of the target that goes to all classes alike", own),
      {.name = "loader_threads",
       .type = ParamType::kInt,
       .default_value = kAuto,
       .min = 0,
       .max = 64,
       .help = "threads that make batches ahead; the batches are the same for any number",
       .automatic = "1 where the trial has more than one core or a GPU, else 0"},
  };
}

}  // namespace

std::vector<Param> NetworkParams() {
  const std::string own = "the model's own";
  std::vector<Param> params = {
      {.name = "model",
       .type = ParamType::kChoice,
       .default_value = "resnet",
       .choices = ModelNames(),
       .help = "the network (docs/models.md)"},
      Number("depth", ParamType::kInt, 1, 1'204, "its layers", own),
      Number("width", ParamType::kInt, 1, 1'024,
             "channels of the first group (resnet), of the stem (densenet), of a group (resnext), "
             "or the widening factor (improved_wide_resnet)",
             own),
      Number("growth", ParamType::kInt, 1, 1'024, "densenet: channels that a layer adds", own),
      Number("cardinality", ParamType::kInt, 1, 1'024, "resnext: groups of a convolution", own),
      {.name = "preactivation",
       .type = ParamType::kBool,
       .default_value = kAuto,
       .help = "resnext: norms come before convolutions",
       .automatic = own},
      Number("dropout", ParamType::kFloat, 0, 0.9, "within the blocks",
             own + " (densenet trains with 0.2)"),
  };
  return params;
}

std::vector<Param> ImageParams(const std::string& own) {
  std::vector<Param> params = SourceParams();
  for (Param& param : ChangeParams(own)) params.push_back(std::move(param));
  return params;
}

std::vector<Rule> ImageRules() {
  return {
      {.reads = {"model", "depth", "width", "growth", "cardinality", "preactivation", "dropout"},
       .says = "the model has each option that is given, in a size that it comes in",
       .check = CheckNetwork},
      AbsolutePathRule<kSplits>(),
      {.reads = {"splits", "holdout"},
       .says = "`holdout` stands without `splits`, whose files say what is held out",
       .check = CheckHoldout},
      {.reads = {"subset", "evaluate_subset"},
       .says = "`subset` and `evaluate_subset` are shares up to 1 or whole numbers",
       .check = CheckWhole},
      {.reads = {"subset", "batch_size"},
       .says = "`subset` is 0, a share, or at least `batch_size`",
       .check = CheckSubset}};
}

NetworkOptions NetworkOptionsOf(const ParamValues& values) {
  NetworkOptions options;
  options.model = std::get<std::string>(values.find("model")->second);
  options.depth = Given<std::int64_t>(values, "depth");
  options.width = Given<std::int64_t>(values, "width");
  options.growth = Given<std::int64_t>(values, "growth");
  options.cardinality = Given<std::int64_t>(values, "cardinality");
  options.preactivation = Given<bool>(values, "preactivation");
  options.dropout = Given<double>(values, "dropout");
  return options;
}

void SetNetwork(ParamValues& values, const NetworkOptions& network) {
  const auto set = [&](const char* name, const auto& option) {
    values[name] = option ? Value(*option) : Value(std::string(kAuto));
  };
  values["model"] = network.model;
  set("depth", network.depth);
  set("width", network.width);
  set("growth", network.growth);
  set("cardinality", network.cardinality);
  set("preactivation", network.preactivation);
  set("dropout", network.dropout);
}

}  // namespace fusor
