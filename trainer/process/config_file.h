#pragma once

// Parameters from a file: a map of names and values, as `params` in a sweep file.

#include <string>

#include "common/base/status.h"
#include "common/recipe/recipe.h"

namespace fusor {

// YAML, and so JSON too; a build without yaml-cpp reads JSON alone. All problems in one message,
// one per line, each with its place.
Result<ParamValues> ReadConfigFile(const Recipe& recipe, const std::string& path);

}  // namespace fusor
