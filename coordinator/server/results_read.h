#pragma once

// Reads what the results tables of a sweep are made of. Reader threads.

#include <string>
#include <vector>

#include "common/base/status.h"
#include "coordinator/server/edge.h"
#include "coordinator/server/gains.h"
#include "coordinator/server/results.h"
#include "coordinator/server/sweep_status.h"

namespace fusor {

struct ResultsScope {
  std::string where;
  std::string stage;                 // empty = every stage
  std::vector<std::string> metrics;  // empty = the report's columns, else the objective
};

struct SweepResults {
  std::vector<ResultsTable> tables;
  std::vector<ResultsTable> gains;
  std::vector<ExpectationResult> expectations;  // of whole stages, whatever `where` says
};

Result<SweepResults> ReadResults(const Edge& edge, const SweepStatus& status, ResultsScope scope);

}  // namespace fusor
