#pragma once

// Maps that are another way to write several parameters (Param::member): `init_from: {experts:
// [a, b], fusion: c}` for init_experts and init_fusion.

#include <string>
#include <vector>

#include "common/recipe/recipe.h"
#include "common/text/yaml.h"

namespace fusor {

struct PlainParam {
  YamlEntry entry;   // with the parameter's own name and one value
  std::string path;  // as it was written: "init_from.experts"
};

struct ParamProblem {
  TextPlace place;
  int source = 0;
  std::string path;
  std::string message;
};

struct PlainParams {
  std::vector<PlainParam> params;
  std::vector<ParamProblem> problems;
};

// Each entry as it is, and the members of maps in their place; a list of paths becomes one text.
PlainParams SpreadMaps(const Recipe& recipe, const std::vector<YamlEntry>& entries);

}  // namespace fusor
