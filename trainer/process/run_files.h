#pragma once

// What a run leaves behind that says how it was made: every model and checkpoint names its recipe
// and all parameters.

#include <map>
#include <optional>
#include <string>

#include "common/base/status.h"
#include "common/recipe/recipe.h"

namespace fusor {

struct RunFacts {
  const Recipe* recipe = nullptr;
  ParamValues values;
  std::string pixels;  // how inputs were normalised; empty when the file does not say
  std::string step;
};

// Of a model or a checkpoint; nothing when the file is neither.
Result<std::optional<RunFacts>> ReadRunFacts(const std::string& file);

// The model in a folder: of a run, of its `best` or `last`, of a checkpoint. `which` is "best",
// "last" or empty, which prefers the best.
Result<std::string> ModelIn(const std::string& folder, const std::string& which);

// The folder of the run that the path lies in; empty when it lies in none.
std::string RunAround(const std::string& path);

}  // namespace fusor
