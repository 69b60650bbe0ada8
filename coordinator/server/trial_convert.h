#pragma once

// TrialService's messages.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/server/spec_cache.h"
#include "coordinator/server/trial_listing.h"
#include "coordinator/store/metrics_reader.h"
#include "fusor/v1/trial_service.pb.h"

namespace fusor {

// The axes of all stages, each once, in the order in which they first come.
std::vector<std::string> AxesOf(const SweepModel& model);

// `axes`: which values `axis_values` lists; a stage without one of them has "" there.
v1::Trial ToWire(SweepId sweep, const SweepModel& model, const ListedTrial& trial,
                 const std::vector<std::string>& axes);
v1::Attempt ToWire(const PutAttempt& attempt, const std::string& worker);
v1::Series ToWire(const SeriesSummary& summary);

using AttemptNumbers = std::map<AttemptId, std::uint32_t>;
v1::Points ToWire(const PointColumns& column, const AttemptNumbers& numbers);
v1::LogLine ToWire(const LogRow& row, const SweepModel& model, std::uint32_t attempt_number);

}  // namespace fusor
