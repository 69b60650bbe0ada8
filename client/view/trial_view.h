#pragma once

// Trials: the list of a sweep's, one with its attempts and history, why one waits.

#include <string>
#include <vector>

#include "client/format/table.h"
#include "common/base/time.h"
#include "fusor/v1/trial_service.pb.h"

namespace fusor::client {

// The header for trials whose axes are these.
Table TrialTable(const std::vector<std::string>& axes);
Row TrialRow(const v1::Trial& trial, const std::vector<std::string>& axes);

// Why it is in the state it is in, as far as that is known; for one that runs, why there.
std::vector<std::string> StateReasons(const v1::GetTrialResponse& response);

Json TrialJson(const v1::GetTrialResponse& response);
// One row as in the list of trials, with every parameter.
Table TrialAsTable(const v1::GetTrialResponse& response);
std::string TrialText(const v1::GetTrialResponse& response, Time now, const Look& look);

Json ExplainJson(const std::string& id, const v1::ExplainTrialResponse& response);
std::string ExplainText(const std::string& id, const v1::ExplainTrialResponse& response,
                        const Look& look);

}  // namespace fusor::client
