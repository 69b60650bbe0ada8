#pragma once

// The learning rates with which fusions were published, by module and feature size.

#include <cstdint>
#include <string>

#include "common/recipe/recipe.h"

namespace fusor {

struct FusionRates {
  double base = 0;  // the experts' before their scale
  double head = 0;  // of the fusion module and the global head
};

FusionRates OwnFusionRates(const std::string& fusion, std::int64_t feature_size);
// What the configuration gives, and the own ones for the rest.
FusionRates FusionRatesOf(const Config& config, std::int64_t feature_size);

}  // namespace fusor
