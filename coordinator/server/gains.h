#pragma once

// What a stage's results say beyond their numbers: how much joining parts gains over the parts
// alone, and whether what was expected has come. Pure.

#include <string>
#include <vector>

#include "common/recipe/recipe.h"
#include "coordinator/core/spec.h"
#include "coordinator/server/results.h"

namespace fusor {

// The metrics that MakeGains reads.
std::vector<std::string> GainMetrics(const GainInfo& gain);

// `question` as for MakeResults; its metrics are replaced. Trials without a value of the whole or
// of any part are left out.
ResultsTable MakeGains(ResultsQuestion question, const GainInfo& gain);

struct ExpectationResult {
  std::string stage;
  std::string metric;
  std::string condition;
  std::uint32_t met = 0;
  std::uint32_t missed = 0;
  std::uint32_t open = 0;
  ResultsTable missed_rows;  // the first few
};

// A cell is open while a trial of it is; it misses without any value.
ExpectationResult CheckExpectation(ResultsQuestion question, const Expectation& expectation);

}  // namespace fusor
