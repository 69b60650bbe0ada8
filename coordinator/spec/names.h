#pragma once

// Names that people choose: they become parts of paths, ids and command lines.

#include <string>

#include "common/base/status.h"
#include "common/text/yaml.h"

namespace fusor {

// Letters, digits and ._- ; begins with a letter or digit; at most 64 bytes.
Result<std::string> ReadSweepName(const YamlNode& node);

// Letters, digits, _ and - ; begins with a letter; at most 64 bytes.
Status CheckStageName(const std::string& name);

// The short form of a GPU's name: letters, digits and ._- ; at most 64 bytes.
Result<std::string> ReadGpuType(const YamlNode& node);

// "val/accuracy": letters, digits and _-./@ ; at most kMetricNameBytesMax bytes.
Result<std::string> ReadMetricName(const YamlNode& node);

}  // namespace fusor
