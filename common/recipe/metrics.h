#pragma once

// The names under which every recipe records what it has in common with the others.

#include <vector>

#include "common/recipe/recipe.h"

namespace fusor {

// Of every recipe that trains with the engine's loop.
std::vector<MetricInfo> EngineMetrics();
// Besides, of one that classifies.
std::vector<MetricInfo> ClassifierMetrics();

}  // namespace fusor
