#pragma once

// What joining parts gains over the parts alone, and what became of expectations.

#include <string>
#include <vector>

#include "client/format/json.h"
#include "client/format/look.h"
#include "client/format/table.h"
#include "fusor/v1/sweep_service.pb.h"

namespace fusor::client {

// Empty when there is nothing to say.
std::string GainsText(const v1::ResultsResponse& response, const Look& look);
// The same for programs: a row per fusion, in the objective's own unit and in points.
Table GainsList(const v1::ResultsResponse& response);
std::vector<std::string> GainTrials(const v1::ResultsResponse& response);
std::string ExpectationsText(const v1::ResultsResponse& response, const Look& look);

Json ExpectationsJson(const v1::ResultsResponse& response);

// Some cell does not have what was expected of it.
bool IsMissed(const v1::ResultsResponse& response);

}  // namespace fusor::client
