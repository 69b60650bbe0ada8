#pragma once

// ClusterService's messages.

#include <map>
#include <string>

#include "coordinator/core/snapshot.h"
#include "coordinator/core/write.h"
#include "fusor/v1/cluster_service.pb.h"

namespace fusor {

// What runs on a slot.
struct ShownAttempt {
  std::string trial;  // "7.experts.3"
  std::string name;
};
using ShownAttempts = std::map<AttemptId, ShownAttempt>;

// `row` is what is stored of the worker, `view` what the core knows of it now; nullptr when it is
// gone or the core cannot be asked.
v1::Worker ToWire(const PutWorker& row, const WorkerView* view, const ShownAttempts& attempts);

}  // namespace fusor
