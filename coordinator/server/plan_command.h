#pragma once

// `fusord plan --source-file FILE [--set KEY=VALUE]...`: reads, checks and expands a sweep file
// without a daemon and prints a PlanResponse as protobuf JSON. For `fusor plan` where no
// coordinator runs.

#include <iosfwd>

#include "common/base/status.h"
#include "coordinator/server/options.h"

namespace fusor {

// Problems of the file are part of the answer; an error is a file that cannot be read.
Status PrintPlan(const PlanOptions& options, std::ostream& out);

}  // namespace fusor
