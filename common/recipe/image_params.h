#pragma once

// Parameters of recipes that classify images: the networks, the data and how it is changed.

#include <string>
#include <vector>

#include "common/recipe/network_options.h"
#include "common/recipe/recipe.h"

namespace fusor {

std::vector<Param> NetworkParams();
// `own` is whose values "auto" stands for: "the model's" or the like.
std::vector<Param> ImageParams(const std::string& own);
std::vector<Rule> ImageRules();

// What the parameters say about the network; what is "auto" is left to the model.
NetworkOptions NetworkOptionsOf(const ParamValues& values);
// And the other way round.
void SetNetwork(ParamValues& values, const NetworkOptions& network);

}  // namespace fusor
