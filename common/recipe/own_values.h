#pragma once

// What "auto" stands for: the values with which each model and each fusion was trained when its
// results were published.

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/recipe/recipe.h"

namespace fusor {

struct OwnValues {
  const char* augment = "crop_flip";
  std::int64_t rand_operations = 2;
  std::int64_t rand_magnitude = 9;
  double erase = 0;
  double label_smoothing = 0;
  double weight_decay = 0;
  std::int64_t batch_size = 128;
};

OwnValues OwnValuesOfModel(std::string_view model);
OwnValues OwnValuesOfFusion(std::string_view fusion);

// With which it trains, where that is not the network's own.
std::optional<double> OwnDropout(std::string_view model);

// Gives everything that these values decide its value, where it is "auto".
void SettleOwn(ParamValues& values, const OwnValues& own);

// The value, where it is "auto".
void SettleValue(ParamValues& values, std::string_view name, Value value);

}  // namespace fusor
