#pragma once

// The results of a sweep: one table per stage over its axes, mean and spread over seeds, and below
// what the whole took.

#include <iosfwd>
#include <string>

#include "client/format/table.h"
#include "fusor/v1/sweep_service.pb.h"

namespace fusor::client {

std::string ResultsText(const v1::ResultsResponse& response, const Look& look);
Json ResultsJson(const v1::ResultsResponse& response);
// The trials of every row, best first.
std::vector<std::string> ResultTrials(const v1::ResultsResponse& response);
bool HasMetric(const v1::ResultsResponse& response, const std::string& metric);
// All stages in one list: axes that a stage does not have are empty.
Table ResultsList(const v1::ResultsResponse& response);

}  // namespace fusor::client
