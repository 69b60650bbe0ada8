#pragma once

// The results table of one stage: one row per combination of axis values, mean and spread over the
// seeds. Trials that ran in a fallback precision form rows of their own. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/core/state.h"
#include "coordinator/core/write.h"
#include "coordinator/server/spec_cache.h"
#include "coordinator/spec/filter.h"
#include "coordinator/store/state_reader.h"

namespace fusor {

struct ResultsValue {
  std::string metric;
  std::uint32_t count = 0;
  double mean = 0;
  double spread = 0;  // sample standard deviation; 0 with one
  double min = 0;
  double max = 0;
  double interval = 0;  // half of the 95 % interval of the mean; 0 with one
};

struct ResultsRow {
  std::vector<std::string> axis_values;  // seeds left out
  std::string precision_used;            // when it is not the cell's
  std::vector<ResultsValue> values;      // by metric
  std::uint32_t succeeded = 0;
  std::uint32_t failed = 0;  // failed, canceled or skipped
  std::uint32_t open = 0;
  std::int64_t running_ms = 0;
  std::vector<std::uint64_t> cells;
};

struct ResultsTable {
  std::uint32_t stage = 0;
  std::string name;
  std::vector<std::string> axes;
  std::vector<std::string> metrics;
  std::vector<ResultsRow> rows;  // best first by the first metric
};

// What of a trial's row the table needs.
struct ResultsTrial {
  TrialPosition position;
  std::string precision_used;
  std::int64_t running_ms = 0;
};

struct ResultsQuestion {
  const SweepModel* model = nullptr;
  std::uint32_t stage = 0;
  const Filter* filter = nullptr;
  std::vector<std::string> metrics;
  // The state of each cell of the stage; the rows and values of the sweep's trials.
  const std::vector<std::optional<TrialState>>* states = nullptr;
  const std::vector<ResultsTrial>* trials = nullptr;
  const std::vector<TrialValue>* values = nullptr;
};

ResultsTable MakeResults(const ResultsQuestion& question);

}  // namespace fusor
