#pragma once

// SweepService but for Watch's stream, which watch_streams.h makes.

#include "coordinator/server/edge.h"
#include "coordinator/server/sweep_status.h"
#include "coordinator/server/watch_streams.h"
#include "fusor/v1/sweep_service.grpc.pb.h"

namespace fusor {

class SweepService final : public v1::SweepService::CallbackService {
 public:
  SweepService(const Edge& edge, SweepStatusReader& statuses, Watches& watches)
      : edge_(edge), statuses_(statuses), watches_(watches) {}

  using Unary = grpc::ServerUnaryReactor*;
  using Call = grpc::CallbackServerContext*;

  Unary Plan(Call call, const v1::PlanRequest* request, v1::PlanResponse* response) override;
  Unary Submit(Call call, const v1::SubmitRequest* request, v1::SubmitResponse* response) override;
  Unary Get(Call call, const v1::GetSweepRequest* request, v1::GetSweepResponse* response) override;
  Unary List(Call call, const v1::ListSweepsRequest* request,
             v1::ListSweepsResponse* response) override;
  Unary Cancel(Call call, const v1::CancelSweepRequest* request,
               v1::CancelSweepResponse* response) override;
  Unary Pause(Call call, const v1::PauseSweepRequest* request,
              v1::PauseSweepResponse* response) override;
  Unary Resume(Call call, const v1::ResumeSweepRequest* request,
               v1::ResumeSweepResponse* response) override;
  Unary Set(Call call, const v1::SetSweepRequest* request, v1::SetSweepResponse* response) override;
  Unary Extend(Call call, const v1::ExtendSweepRequest* request,
               v1::ExtendSweepResponse* response) override;
  Unary Delete(Call call, const v1::DeleteSweepRequest* request,
               v1::DeleteSweepResponse* response) override;
  Unary Results(Call call, const v1::ResultsRequest* request,
                v1::ResultsResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchSweepResponse>* Watch(
      Call call, const v1::WatchSweepRequest* request) override;

 private:
  Status FillList(const v1::ListSweepsRequest& request, v1::ListSweepsResponse& response);
  Result<std::optional<Event>> PrepareExtend(const v1::ExtendSweepRequest& request,
                                             Request core_request);

  const Edge& edge_;
  SweepStatusReader& statuses_;
  Watches& watches_;
};

}  // namespace fusor
