#pragma once

// Sweeps: the list, one of them, the end of one.

#include <string>

#include "client/format/table.h"
#include "common/base/time.h"
#include "fusor/v1/sweep_service.pb.h"

namespace fusor::client {

Table SweepTable(Time now, const Look& look);
Row SweepRow(const v1::Sweep& sweep, Time now, const Look& look);

Json SweepJson(const v1::GetSweepResponse& response);
std::string SweepText(const v1::Sweep& sweep, Time now, const Look& look);

// "sweep 7 finished: 15 succeeded, 1 failed in 2m 10s": one line.
std::string SweepEndText(const v1::Sweep& sweep, Time now, const Look& look);

// The exit code of --wait: 0 if every trial succeeded.
int ExitCodeOf(const v1::Sweep& sweep);

}  // namespace fusor::client
