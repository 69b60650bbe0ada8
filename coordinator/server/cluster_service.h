#pragma once

// ClusterService: the coordinator itself and its workers.

#include <string>

#include "coordinator/server/edge.h"
#include "fusor/v1/cluster_service.grpc.pb.h"

namespace fusor {

struct ClusterInfo {
  std::string cluster_id;
  std::uint64_t generation = 0;
  std::string version;
  Time started{};
};

class ClusterService final : public v1::ClusterService::CallbackService {
 public:
  ClusterService(const Edge& edge, ClusterInfo info) : edge_(edge), info_(std::move(info)) {}

  using Unary = grpc::ServerUnaryReactor*;
  using Call = grpc::CallbackServerContext*;

  Unary GetInfo(Call call, const v1::GetInfoRequest* request,
                v1::GetInfoResponse* response) override;
  Unary ListWorkers(Call call, const v1::ListWorkersRequest* request,
                    v1::ListWorkersResponse* response) override;
  Unary Drain(Call call, const v1::DrainRequest* request, v1::DrainResponse* response) override;
  Unary Resume(Call call, const v1::ResumeWorkerRequest* request,
               v1::ResumeWorkerResponse* response) override;

 private:
  Status FillWorkers(const v1::ListWorkersRequest& request, v1::ListWorkersResponse& response);

  const Edge& edge_;
  const ClusterInfo info_;
};

}  // namespace fusor
