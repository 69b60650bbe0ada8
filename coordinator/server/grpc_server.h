#pragma once

// The gRPC server: every service on one port, with limits.

#include <chrono>
#include <memory>
#include <string>

#include "common/base/status.h"
#include "coordinator/server/address.h"
#include "coordinator/server/cluster_service.h"
#include "coordinator/server/edge.h"
#include "coordinator/server/watch_hub.h"
#include "coordinator/server/worker_sessions.h"

namespace fusor {

class GrpcServer {
 public:
  struct Parts {
    const Edge* edge = nullptr;
    WorkerSessions* sessions = nullptr;
    WatchHub* hub = nullptr;
    ClusterInfo info;
  };

  explicit GrpcServer(Parts parts);
  ~GrpcServer();

  // Binds and serves. The port that was bound.
  Result<std::uint16_t> Start(const Address& address);
  void HealthChanged();
  // No new calls; those under way get until the deadline, then they are cut.
  void Stop(std::chrono::milliseconds patience);

 private:
  struct Services;
  std::unique_ptr<Services> services_;
};

}  // namespace fusor
