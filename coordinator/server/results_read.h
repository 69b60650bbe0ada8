#pragma once

// Reads what the results tables of a sweep are made of. Reader threads.

#include <string>
#include <vector>

#include "common/base/status.h"
#include "coordinator/server/edge.h"
#include "coordinator/server/results.h"
#include "coordinator/server/sweep_status.h"

namespace fusor {

struct ResultsScope {
  std::string where;
  std::string stage;                 // empty = every stage
  std::vector<std::string> metrics;  // empty = the report's columns, else the objective
};

Result<std::vector<ResultsTable>> ReadResults(const Edge& edge, const SweepStatus& status,
                                              ResultsScope scope);

}  // namespace fusor
