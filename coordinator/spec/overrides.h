#pragma once

// `--set a.b.c=VALUE`: any key of the sweep file, set from outside. The result goes through the
// same validation as the file.

#include <string>
#include <vector>

#include "common/text/yaml.h"
#include "coordinator/spec/problem.h"

namespace fusor {

// Applies the overrides in order. VALUE is YAML. A key of a path may stand in double quotes; a
// number steps into a list. Nodes from overrides[k] carry source k + 1. Missing maps are made, but
// a stage only when it is set as a whole.
void ApplyOverrides(const std::vector<std::string>& overrides, YamlNode& root, Problems& problems);

}  // namespace fusor
