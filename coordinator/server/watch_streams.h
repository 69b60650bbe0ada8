#pragma once

// The three Watch calls: a sweep's events and what runs, log lines, metric points.

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "coordinator/server/edge.h"
#include "coordinator/server/sweep_status.h"
#include "coordinator/server/watch_hub.h"
#include "fusor/v1/sweep_service.pb.h"
#include "fusor/v1/trial_service.pb.h"

namespace fusor {

class Watches {
 public:
  using Call = grpc::CallbackServerContext*;

  Watches(const Edge& edge, SweepStatusReader& statuses, WatchHub& hub)
      : edge_(edge), statuses_(statuses), hub_(hub) {}

  grpc::ServerWriteReactor<v1::WatchSweepResponse>* WatchSweep(
      Call call, const v1::WatchSweepRequest& request);
  grpc::ServerWriteReactor<v1::WatchLogsResponse>* WatchLogs(Call call,
                                                             const v1::WatchLogsRequest& request);
  grpc::ServerWriteReactor<v1::WatchMetricsResponse>* WatchMetrics(
      Call call, const v1::WatchMetricsRequest& request);

 private:
  const Edge& edge_;
  SweepStatusReader& statuses_;
  WatchHub& hub_;
};

}  // namespace fusor
