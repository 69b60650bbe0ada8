#pragma once

// The coordinator as functions: every call takes a request and gives the response or the reason.
// Only message headers are needed here; the gRPC stubs stay behind it. Calls block; any thread may
// call, and Cancel() from another thread ends what is open.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/base/status.h"
#include "common/base/time.h"
#include "fusor/v1/artifact_service.pb.h"
#include "fusor/v1/cluster_service.pb.h"
#include "fusor/v1/sweep_service.pb.h"
#include "fusor/v1/trial_service.pb.h"

namespace fusor::client {

class Api {
 public:
  struct Options {
    std::string address;
    std::string token;
    Duration deadline{30'000};  // of one try of a unary call
    // How long a call is tried again while the coordinator cannot be reached: before the first
    // answer ever (it is probably not running) and after (it probably restarts).
    Duration patience_first{1'000};
    Duration patience_later{30'000};
  };

  explicit Api(Options options);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  // Unary calls are tried again on UNAVAILABLE as they are: request_id makes that safe.
  Result<v1::PlanResponse> Call(const v1::PlanRequest& request);
  Result<v1::SubmitResponse> Call(const v1::SubmitRequest& request);
  Result<v1::GetSweepResponse> Call(const v1::GetSweepRequest& request);
  Result<v1::ListSweepsResponse> Call(const v1::ListSweepsRequest& request);
  Result<v1::CancelSweepResponse> Call(const v1::CancelSweepRequest& request);
  Result<v1::PauseSweepResponse> Call(const v1::PauseSweepRequest& request);
  Result<v1::ResumeSweepResponse> Call(const v1::ResumeSweepRequest& request);
  Result<v1::SetSweepResponse> Call(const v1::SetSweepRequest& request);
  Result<v1::ExtendSweepResponse> Call(const v1::ExtendSweepRequest& request);
  Result<v1::DeleteSweepResponse> Call(const v1::DeleteSweepRequest& request);
  Result<v1::ResultsResponse> Call(const v1::ResultsRequest& request);

  Result<v1::GetTrialResponse> Call(const v1::GetTrialRequest& request);
  Result<v1::ListTrialsResponse> Call(const v1::ListTrialsRequest& request);
  Result<v1::BestTrialResponse> Call(const v1::BestTrialRequest& request);
  Result<v1::ExplainTrialResponse> Call(const v1::ExplainTrialRequest& request);
  Result<v1::RetryTrialsResponse> Call(const v1::RetryTrialsRequest& request);
  Result<v1::CancelTrialsResponse> Call(const v1::CancelTrialsRequest& request);
  Result<v1::ListMetricsResponse> Call(const v1::ListMetricsRequest& request);

  Result<v1::GetInfoResponse> Call(const v1::GetInfoRequest& request);
  Result<v1::ListWorkersResponse> Call(const v1::ListWorkersRequest& request);
  Result<v1::DrainResponse> Call(const v1::DrainRequest& request);
  Result<v1::ResumeWorkerResponse> Call(const v1::ResumeWorkerRequest& request);

  Result<v1::ListArtifactsResponse> Call(const v1::ListArtifactsRequest& request);

  // Streams: the function gets every message until it returns false (then the status is ok) or the
  // stream ends. One try each: the caller knows from where to go on.
  template <class Response>
  using Reader = std::function<bool(const Response&)>;
  Status Read(const v1::WatchSweepRequest& request, const Reader<v1::WatchSweepResponse>& reader);
  Status Read(const v1::WatchLogsRequest& request, const Reader<v1::WatchLogsResponse>& reader);
  Status Read(const v1::DownloadRequest& request, const Reader<v1::DownloadResponse>& reader);

  // Ends open calls and makes later ones fail at once.
  void Cancel();
  bool canceled() const;

  // True if the last failure was that no connection came about, as opposed to a refusal by the
  // coordinator itself.
  bool IsConnected() const;
  const std::string& address() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fusor::client
