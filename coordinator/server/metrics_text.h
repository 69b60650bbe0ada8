#pragma once

// /metrics: what the daemon counts about itself and its trials, in Prometheus' text form.

#include <map>
#include <string>

#include "coordinator/server/stats.h"
#include "coordinator/server/sweep_status.h"

namespace fusor {

// What the core says.
struct ClusterNumbers {
  StateCounts trials{};                          // of all sweeps, by state
  std::map<std::string, std::uint64_t> workers;  // by state
  std::uint64_t slots = 0;
  std::uint64_t slots_busy = 0;
  std::uint64_t slots_unusable = 0;
  std::uint64_t sweeps = 0;
};

// `cluster` may be missing: the core could not be asked in time.
std::string MetricsText(const Stats& stats, const Health& health, const ClusterNumbers* cluster);

ClusterNumbers CountCluster(const Core& core);

}  // namespace fusor
