#pragma once

// Scalars of a sweep file, read by the type that is expected: `no` is false where a bool is
// expected and text where a name is, `010` is ten, `1e3` fits an integer.

#include <cstdint>
#include <string>

#include "common/base/status.h"
#include "common/base/time.h"
#include "common/recipe/recipe.h"
#include "common/text/yaml.h"

namespace fusor {

// "a list", "a map", "nothing", "'x'": what a node is, for messages.
std::string Describe(const YamlNode& node);

Result<bool> ReadBool(const YamlNode& node);
Result<std::int64_t> ReadInt(const YamlNode& node);
Result<double> ReadFloat(const YamlNode& node);
Result<std::string> ReadText(const YamlNode& node);

// "90s", "2m", "1h30m", "500ms", "1.5d"; "0". At most ten years.
Result<Duration> ReadDuration(const YamlNode& node);
// "10%" is 0.1; from 0% to 100%.
Result<double> ReadPercent(const YamlNode& node);

// The parameter's value, checked against its declaration.
Result<Value> ReadValue(const Param& param, const YamlNode& node);

}  // namespace fusor
