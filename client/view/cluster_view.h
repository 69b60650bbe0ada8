#pragma once

// Workers and their slots.

#include <string>

#include "client/format/table.h"
#include "common/base/time.h"
#include "fusor/v1/cluster_service.pb.h"

namespace fusor::client {

Table WorkerTable(const v1::ListWorkersResponse& response, Time now);
// One row per slot.
Table SlotTable(const v1::ListWorkersResponse& response);
// What people must know beyond the table: drains, quarantined slots, devices not offered.
std::string WorkerNotes(const v1::ListWorkersResponse& response, const Look& look);

}  // namespace fusor::client
