#include "common/recipe/own_values.h"

#include <utility>

#include "common/recipe/training_params.h"

namespace fusor {

OwnValues OwnValuesOfModel(std::string_view model) {
  if (model == "densenet") {
    return {.augment = "rand_augment",
            .rand_operations = 2,
            .rand_magnitude = 9,
            .erase = 0.1,
            .label_smoothing = 0.05,
            .weight_decay = 1e-4,
            .batch_size = 64};
  }
  if (model == "improved_wide_resnet") {
    return {.augment = "rand_augment",
            .rand_operations = 3,
            .rand_magnitude = 14,
            .erase = 0.3,
            .label_smoothing = 0.05,
            .weight_decay = 5e-4};
  }
  if (model == "resnext") {
    return {
        .augment = "trivial_augment", .erase = 0.25, .label_smoothing = 0.05, .weight_decay = 5e-4};
  }
  return {.augment = "color_jitter", .erase = 0.25, .label_smoothing = 0.1, .weight_decay = 1e-4};
}

OwnValues OwnValuesOfFusion(std::string_view fusion) {
  if (fusion == "multiplicativeAddition" || fusion == "concatenation") {
    return {.augment = "rand_augment",
            .rand_operations = 3,
            .rand_magnitude = 14,
            .erase = 0.3,
            .label_smoothing = 0.08,
            .weight_decay = 1e-4};
  }
  if (fusion == "TransformerBase") {
    return {
        .augment = "trivial_augment", .erase = 0.25, .label_smoothing = 0.05, .weight_decay = 5e-4};
  }
  return {.augment = "color_jitter", .erase = 0.25, .label_smoothing = 0.1, .weight_decay = 1e-4};
}

std::optional<double> OwnDropout(std::string_view model) {
  return model == "densenet" ? std::optional(0.2) : std::nullopt;
}

void SettleValue(ParamValues& values, std::string_view name, Value value) {
  const auto found = values.find(name);
  if (found != values.end() && IsAuto(found->second)) found->second = std::move(value);
}

void SettleOwn(ParamValues& values, const OwnValues& own) {
  SettleBatch(values, own.batch_size);
  SettleValue(values, "augment", own.augment);
  SettleValue(values, "rand_operations", own.rand_operations);
  SettleValue(values, "rand_magnitude", own.rand_magnitude);
  const auto& augment = std::get<std::string>(values.find("augment")->second);
  SettleValue(values, "erase", augment == own.augment ? own.erase : 0.0);
  SettleValue(values, "label_smoothing", own.label_smoothing);
  SettleValue(values, "weight_decay", own.weight_decay);
  const bool lion = std::get<std::string>(values.find("optimizer")->second) == "lion";
  SettleValue(values, "beta2", lion ? 0.99 : 0.999);
  const auto& model = std::get<std::string>(values.find("model")->second);
  if (const auto dropout = OwnDropout(model)) SettleValue(values, "dropout", *dropout);
}

}  // namespace fusor
