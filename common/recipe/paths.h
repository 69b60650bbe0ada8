#pragma once

// Parameters that name files or folders (ParamRole::kPath).

#include <string>

#include "common/recipe/recipe.h"

namespace fusor {

// A trial runs in a folder of its own, so that a relative path leads nowhere.
Status CheckAbsolute(const ParamValues& values, const std::string& name);

template <const char* kName>
Rule AbsolutePathRule() {
  return {.reads = {kName},
          .says = "`" + std::string(kName) + "` is an absolute path",
          .check = [](const ParamValues& values) { return CheckAbsolute(values, kName); }};
}

}  // namespace fusor
