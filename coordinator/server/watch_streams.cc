#include "coordinator/server/watch_streams.h"

#include <memory>

#include "coordinator/server/watch_stream.h"
#include "coordinator/server/watch_sweep.h"
#include "coordinator/server/watch_trials.h"

namespace fusor {

namespace {

template <class Response>
grpc::ServerWriteReactor<Response>* Open(const Edge& edge, WatchHub& hub, Watches::Call call,
                                         std::unique_ptr<WatchSource<Response>> source) {
  const grpc::Status allowed = Authorize(*edge.guard, *call);
  if (!allowed.ok()) return WatchStream<Response>::Refuse(hub, allowed);
  return WatchStream<Response>::Open(hub, std::move(source));
}

}  // namespace

grpc::ServerWriteReactor<v1::WatchSweepResponse>* Watches::WatchSweep(
    Call call, const v1::WatchSweepRequest& request) {
  return Open<v1::WatchSweepResponse>(edge_, hub_, call,
                                      std::make_unique<SweepWatch>(edge_, statuses_, request));
}

grpc::ServerWriteReactor<v1::WatchLogsResponse>* Watches::WatchLogs(
    Call call, const v1::WatchLogsRequest& request) {
  return Open<v1::WatchLogsResponse>(edge_, hub_, call, std::make_unique<LogWatch>(edge_, request));
}

grpc::ServerWriteReactor<v1::WatchMetricsResponse>* Watches::WatchMetrics(
    Call call, const v1::WatchMetricsRequest& request) {
  return Open<v1::WatchMetricsResponse>(edge_, hub_, call,
                                        std::make_unique<MetricsWatch>(edge_, request));
}

}  // namespace fusor
