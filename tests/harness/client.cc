#include "tests/harness/client.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "proto/fusor/v1/sweep_service.grpc.pb.h"
#include "proto/fusor/v1/trial_service.grpc.pb.h"
#include "tests/harness/wait.h"

namespace fusor::harness {

struct Client::Stubs {
  std::string token;
  std::unique_ptr<v1::SweepService::Stub> sweeps;
  std::unique_ptr<v1::TrialService::Stub> trials;
  std::uint64_t requests = 0;

  void Prepare(grpc::ClientContext& context) const {
    context.AddMetadata("authorization", "Bearer " + token);
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  }
};

namespace {

void Require(const grpc::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "call failed: %s\n", status.error_message().c_str());
  std::exit(1);
}

}  // namespace

Client::Client(const Daemon& daemon) : stubs_(std::make_unique<Stubs>()) {
  stubs_->token = daemon.token();
  const auto channel = grpc::CreateChannel(daemon.address(), grpc::InsecureChannelCredentials());
  stubs_->sweeps = v1::SweepService::NewStub(channel);
  stubs_->trials = v1::TrialService::NewStub(channel);
}

Client::~Client() = default;

std::uint64_t Client::Submit(const std::string& yaml) {
  grpc::ClientContext context;
  stubs_->Prepare(context);
  v1::SubmitRequest request;
  request.set_request_id("bench-" + std::to_string(NowSeconds()) + "-" +
                         std::to_string(++stubs_->requests));
  request.set_source(yaml);
  v1::SubmitResponse response;
  Require(stubs_->sweeps->Submit(&context, request, &response));
  for (const v1::Problem& problem : response.problems()) {
    std::fprintf(stderr, "%u:%u %s: %s\n", problem.line(), problem.column(), problem.path().c_str(),
                 problem.message().c_str());
  }
  if (response.problems_size() > 0) std::exit(1);
  return response.sweep();
}

SweepCounts Client::Counts(std::uint64_t sweep) {
  grpc::ClientContext context;
  stubs_->Prepare(context);
  v1::GetSweepRequest request;
  request.set_sweep(sweep);
  v1::GetSweepResponse response;
  Require(stubs_->sweeps->Get(&context, request, &response));
  SweepCounts counts;
  counts.trials = response.sweep().trials();
  for (const v1::StateCount& state : response.sweep().counts()) {
    switch (state.state()) {
      case v1::TRIAL_STATE_RUNNING:
        counts.running += state.count();
        break;
      case v1::TRIAL_STATE_SUCCEEDED:
        counts.succeeded += state.count();
        counts.ended += state.count();
        break;
      case v1::TRIAL_STATE_FAILED:
      case v1::TRIAL_STATE_CANCELED:
      case v1::TRIAL_STATE_SKIPPED:
        counts.ended += state.count();
        break;
      default:
        break;
    }
  }
  return counts;
}

bool Client::WaitEnded(std::uint64_t sweep, std::uint64_t trials, double seconds) {
  return harness::WaitUntil([&] { return Counts(sweep).ended >= trials; }, seconds);
}

std::vector<double> Client::GrantToFirstPointMillis(std::uint64_t sweep, const std::string& stage) {
  std::vector<double> times;
  const std::uint64_t trials = Counts(sweep).trials;
  for (std::uint64_t cell = 0; cell < trials; ++cell) {
    const std::string id = std::to_string(sweep) + "." + stage + "." + std::to_string(cell);
    v1::GetTrialRequest get;
    get.set_id(id);
    v1::GetTrialResponse trial;
    grpc::ClientContext first;
    stubs_->Prepare(first);
    Require(stubs_->trials->Get(&first, get, &trial));
    v1::ListMetricsRequest list;
    list.set_trial(id);
    list.add_names("train/loss");
    v1::ListMetricsResponse metrics;
    grpc::ClientContext second;
    stubs_->Prepare(second);
    Require(stubs_->trials->ListMetrics(&second, list, &metrics));
    if (trial.attempts().empty() || metrics.points().empty()) continue;
    const google::protobuf::Timestamp& granted = trial.attempts(0).granted();
    times.push_back(static_cast<double>(metrics.points(0).time_ms(0) - granted.seconds() * 1000) -
                    granted.nanos() / 1e6);
  }
  return times;
}

}  // namespace fusor::harness
