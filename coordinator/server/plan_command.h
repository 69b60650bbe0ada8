#pragma once

// `fusord plan --source-file FILE [--set KEY=VALUE]...`: reads, checks and expands a sweep file
// without a daemon and prints a PlanResponse as protobuf JSON. For `fusor plan` where no
// coordinator runs.

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "common/base/status.h"

namespace fusor {

struct PlanOptions {
  std::filesystem::path source_file;
  std::vector<std::string> overrides;
};

// Problems of the file are part of the answer; an error is a file that cannot be read.
Status PrintPlan(const PlanOptions& options, std::ostream& out);

}  // namespace fusor
