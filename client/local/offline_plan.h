#pragma once

// A plan without a coordinator: the sister program fusord reads and expands the file, and exits.

#include <string>
#include <vector>

#include "client/terminal/environment.h"
#include "common/base/status.h"
#include "fusor/v1/sweep_service.pb.h"

namespace fusor::client {

Result<v1::PlanResponse> OfflinePlan(const Environment& environment, const std::string& source,
                                     const std::vector<std::string>& overrides);

}  // namespace fusor::client
