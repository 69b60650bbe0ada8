#include "coordinator/server/grpc_server.h"

#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "coordinator/server/artifact_service.h"
#include "coordinator/server/standard_services.h"
#include "coordinator/server/sweep_service.h"
#include "coordinator/server/sweep_status.h"
#include "coordinator/server/trial_service.h"
#include "coordinator/server/watch_streams.h"

namespace fusor {

namespace {

void SetLimits(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(limits::kMessageBytesMax));
  builder.SetMaxSendMessageSize(static_cast<int>(limits::kAnswerBytesMax));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, limits::kStreamsPerConnectionMax);
  // A second daemon on the same port is an error, not a share of its calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // A peer whose machine or cable is gone is noticed within half a minute.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 15'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1'000);
  grpc::ResourceQuota quota("fusord");
  quota.Resize(limits::kServerMemoryBytesMax);
  builder.SetResourceQuota(quota);
}

}  // namespace

struct GrpcServer::Services {
  explicit Services(Parts parts)
      : hub(*parts.hub),
        sessions(*parts.sessions),
        statuses(*parts.edge),
        watches(*parts.edge, statuses, *parts.hub),
        sweeps(*parts.edge, statuses, watches),
        trials(*parts.edge, watches),
        cluster(*parts.edge, std::move(parts.info)),
        artifacts(*parts.edge),
        standard(*parts.edge->guard, *parts.edge->health,
                 {v1::SweepService::service_full_name(), v1::TrialService::service_full_name(),
                  v1::ClusterService::service_full_name(), v1::ArtifactService::service_full_name(),
                  v1::WorkerService::service_full_name()}) {}

  WatchHub& hub;
  WorkerSessions& sessions;
  SweepStatusReader statuses;
  Watches watches;
  SweepService sweeps;
  TrialService trials;
  ClusterService cluster;
  ArtifactService artifacts;
  StandardServices standard;
  std::unique_ptr<grpc::Server> server;  // last: gone before the services
};

GrpcServer::GrpcServer(Parts parts) : services_(std::make_unique<Services>(std::move(parts))) {}
GrpcServer::~GrpcServer() = default;

Result<std::uint16_t> GrpcServer::Start(const Address& address) {
  grpc::ServerBuilder builder;
  SetLimits(builder);
  int port = 0;
  builder.AddListeningPort(address.ToString(), grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&services_->sweeps);
  builder.RegisterService(&services_->trials);
  builder.RegisterService(&services_->cluster);
  builder.RegisterService(&services_->artifacts);
  builder.RegisterService(&services_->sessions);
  for (grpc::Service* service : services_->standard.All()) builder.RegisterService(service);
  services_->server = builder.BuildAndStart();
  if (!services_->server || port == 0) {
    return FailedPrecondition("--listen: cannot listen on " + address.ToString() +
                              "; is another program there?");
  }
  return static_cast<std::uint16_t>(port);
}

void GrpcServer::HealthChanged() { services_->standard.HealthChanged(); }

void GrpcServer::Stop(std::chrono::milliseconds patience) {
  if (!services_->server) return;
  services_->sessions.CloseAll();
  services_->standard.Stop();
  services_->hub.Stop();
  services_->server->Shutdown(std::chrono::system_clock::now() + patience);
}

}  // namespace fusor
