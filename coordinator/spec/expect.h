#pragma once

// `expect: {val/accuracy: '>= 0.8'}`: what a stage's results should be.

#include <string>
#include <vector>

#include "common/recipe/recipe.h"
#include "common/text/yaml.h"
#include "coordinator/core/spec.h"
#include "coordinator/spec/problem.h"

namespace fusor {

std::vector<Expectation> ReadExpectations(const YamlNode& node, const std::string& path,
                                          const Recipe& recipe, Problems& problems);

}  // namespace fusor
