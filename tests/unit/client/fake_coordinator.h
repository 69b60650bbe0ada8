#pragma once

// A coordinator on a port of its own that answers what a test tells it to. Calls without an answer
// are UNIMPLEMENTED. Every call must carry the token.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "fusor/v1/artifact_service.pb.h"
#include "fusor/v1/cluster_service.pb.h"
#include "fusor/v1/sweep_service.pb.h"
#include "fusor/v1/trial_service.pb.h"

namespace fusor::client {

inline constexpr char kFakeToken[] = "0123456789abcdef";

template <class Request, class Response>
using Answer = std::function<Result<Response>(const Request&)>;

// What a stream sends, and how it ends.
template <class Response>
struct Stream {
  std::vector<Response> messages;
  Status end;
};
template <class Request, class Response>
using StreamAnswer = std::function<Stream<Response>(const Request&)>;

struct FakeAnswers {
  Answer<v1::PlanRequest, v1::PlanResponse> plan;
  Answer<v1::SubmitRequest, v1::SubmitResponse> submit;
  Answer<v1::GetSweepRequest, v1::GetSweepResponse> get_sweep;
  Answer<v1::ListSweepsRequest, v1::ListSweepsResponse> list_sweeps;
  Answer<v1::CancelSweepRequest, v1::CancelSweepResponse> cancel_sweep;
  Answer<v1::PauseSweepRequest, v1::PauseSweepResponse> pause;
  Answer<v1::ResumeSweepRequest, v1::ResumeSweepResponse> resume;
  Answer<v1::SetSweepRequest, v1::SetSweepResponse> set;
  Answer<v1::ExtendSweepRequest, v1::ExtendSweepResponse> extend;
  Answer<v1::DeleteSweepRequest, v1::DeleteSweepResponse> remove;
  Answer<v1::ResultsRequest, v1::ResultsResponse> results;
  Answer<v1::GetTrialRequest, v1::GetTrialResponse> get_trial;
  Answer<v1::ListTrialsRequest, v1::ListTrialsResponse> list_trials;
  Answer<v1::BestTrialRequest, v1::BestTrialResponse> best_trial;
  Answer<v1::ExplainTrialRequest, v1::ExplainTrialResponse> explain;
  Answer<v1::RetryTrialsRequest, v1::RetryTrialsResponse> retry;
  Answer<v1::CancelTrialsRequest, v1::CancelTrialsResponse> cancel_trials;
  Answer<v1::ListMetricsRequest, v1::ListMetricsResponse> list_metrics;
  Answer<v1::GetInfoRequest, v1::GetInfoResponse> get_info;
  Answer<v1::ListWorkersRequest, v1::ListWorkersResponse> list_workers;
  Answer<v1::DrainRequest, v1::DrainResponse> drain;
  Answer<v1::ResumeWorkerRequest, v1::ResumeWorkerResponse> resume_worker;
  Answer<v1::ListArtifactsRequest, v1::ListArtifactsResponse> list_artifacts;
  StreamAnswer<v1::WatchSweepRequest, v1::WatchSweepResponse> watch;
  StreamAnswer<v1::WatchLogsRequest, v1::WatchLogsResponse> logs;
  StreamAnswer<v1::DownloadRequest, v1::DownloadResponse> download;
};

class FakeCoordinator {
 public:
  FakeCoordinator();
  ~FakeCoordinator();
  FakeCoordinator(const FakeCoordinator&) = delete;
  FakeCoordinator& operator=(const FakeCoordinator&) = delete;

  // Set before the calls come.
  FakeAnswers answers;

  const std::string& address() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fusor::client
