#pragma once

// Leases: a worker's grant of time to each attempt it says it holds. A lapsed lease makes the
// attempt suspect; only after `retry.lost_after` is it lost.

#include <vector>

#include "coordinator/core/world.h"

namespace fusor::core {

void OnHeartbeat(Turn& turn, Worker& worker, const HeartbeatMessage& heartbeat);

// Of exactly the attempts listed; what is held but not granted is told to go; slots of attempts
// that are over and not held any more are free.
void RenewLeases(Turn& turn, Worker& worker, const std::vector<AttemptId>& held);

// Its timer is due: lapsed leases, silence, drain, slots to lend; arms the timer again.
void CheckWorker(Turn& turn, Worker& worker);

}  // namespace fusor::core
