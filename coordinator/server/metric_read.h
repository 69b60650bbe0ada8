#pragma once

// A trial's metrics as people ask for them. Points live in metrics.db; the evaluations of an
// attempt that ended at once are in state.db alone (docs/protocol.md, "Facts") and are merged in
// here. Reader threads.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "coordinator/server/readers.h"

namespace fusor {

struct MetricQuestion {
  TrialKey trial;
  std::vector<std::string> names;
  bool include_superseded = false;
  std::optional<PointPosition> after;
  std::size_t limit = 10'000;
};

// Every series' summary, by name.
Result<std::vector<SeriesSummary>> ReadSeries(Readers& readers, const TrialKey& trial);
// One page of points. Evaluated series come whole, on the first page.
Result<PointPage> ReadPoints(Readers& readers, const MetricQuestion& question);
// What state.db alone holds of the names (empty = all), by name.
Result<std::vector<PointColumns>> ReadLoneEvaluations(Readers& readers, const TrialKey& trial,
                                                      const std::vector<std::string>& names);

// The attempt's number within its trial.
Result<std::map<AttemptId, std::uint32_t>> ReadAttemptNumbers(Readers& readers,
                                                              const TrialKey& trial);

// "7:0:120:val/accuracy"
std::string PointToken(const PointPosition& position);
Result<std::optional<PointPosition>> ParsePointToken(const std::string& token);

}  // namespace fusor
