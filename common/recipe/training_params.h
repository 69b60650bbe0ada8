#pragma once

// Parameters of every recipe that trains with the engine's loop: what an optimiser's step is made
// of, and how it goes. One name for each policy, whatever the recipe.

#include <string>
#include <vector>

#include "common/recipe/recipe.h"

namespace fusor {

// Where recipes differ. A text is the parameter's `automatic`: the value is then "auto".
struct TrainingDefaults {
  std::int64_t epochs = 10;
  std::string batch_size;     // what auto means, besides following from the other two
  std::string optimizer;      // a name
  std::string learning_rate;  // what auto means
  std::string weight_decay;   // what auto means
  double rate_floor = 0;
  double clip_norm = 0;
};

std::vector<Param> TrainingParams(const TrainingDefaults& defaults);
// Among those; also of a recipe that has few of the others.
std::vector<Param> EarlyStopParams();
std::vector<Rule> TrainingRules();

// Gives batch_size, micro_batch_size and accumulate their numbers; `own` is the batch size where
// nothing says otherwise.
void SettleBatch(ParamValues& values, std::int64_t own);

}  // namespace fusor
