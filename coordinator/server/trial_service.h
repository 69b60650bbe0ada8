#pragma once

// TrialService but for the streams, which watch_streams.h makes.

#include "coordinator/server/edge.h"
#include "coordinator/server/trial_listing.h"
#include "coordinator/server/watch_streams.h"
#include "fusor/v1/trial_service.grpc.pb.h"

namespace fusor {

class TrialService final : public v1::TrialService::CallbackService {
 public:
  TrialService(const Edge& edge, Watches& watches) : edge_(edge), watches_(watches) {}

  using Unary = grpc::ServerUnaryReactor*;
  using Call = grpc::CallbackServerContext*;

  Unary Get(Call call, const v1::GetTrialRequest* request, v1::GetTrialResponse* response) override;
  Unary List(Call call, const v1::ListTrialsRequest* request,
             v1::ListTrialsResponse* response) override;
  Unary Best(Call call, const v1::BestTrialRequest* request,
             v1::BestTrialResponse* response) override;
  Unary Explain(Call call, const v1::ExplainTrialRequest* request,
                v1::ExplainTrialResponse* response) override;
  Unary Retry(Call call, const v1::RetryTrialsRequest* request,
              v1::RetryTrialsResponse* response) override;
  Unary Cancel(Call call, const v1::CancelTrialsRequest* request,
               v1::CancelTrialsResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchLogsResponse>* WatchLogs(
      Call call, const v1::WatchLogsRequest* request) override;
  Unary ListMetrics(Call call, const v1::ListMetricsRequest* request,
                    v1::ListMetricsResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchMetricsResponse>* WatchMetrics(
      Call call, const v1::WatchMetricsRequest* request) override;

 private:
  Status FillTrial(const v1::GetTrialRequest& request, v1::GetTrialResponse& response);
  Status FillList(const v1::ListTrialsRequest& request, v1::ListTrialsResponse& response);
  // What a request's `sweep`, `stage` and `where` choose.
  template <class Request>
  Result<TrialListQuestion> Chosen(const Request& request) const;
  Status FillBest(const v1::BestTrialRequest& request, v1::BestTrialResponse& response);
  Status FillMetrics(const v1::ListMetricsRequest& request, v1::ListMetricsResponse& response);
  Result<std::vector<TrialKey>> Keys(
      const google::protobuf::RepeatedPtrField<std::string>& trials) const;

  const Edge& edge_;
  Watches& watches_;
};

}  // namespace fusor
