#include "tests/unit/client/fake_coordinator.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "common/base/check.h"
#include "fusor/v1/artifact_service.grpc.pb.h"
#include "fusor/v1/cluster_service.grpc.pb.h"
#include "fusor/v1/sweep_service.grpc.pb.h"
#include "fusor/v1/trial_service.grpc.pb.h"

namespace fusor::client {

namespace {

grpc::StatusCode CodeOf(Code code) {
  switch (code) {
    case Code::kOk:
      return grpc::StatusCode::OK;
    case Code::kInvalidArgument:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case Code::kNotFound:
      return grpc::StatusCode::NOT_FOUND;
    case Code::kAlreadyExists:
      return grpc::StatusCode::ALREADY_EXISTS;
    case Code::kFailedPrecondition:
      return grpc::StatusCode::FAILED_PRECONDITION;
    case Code::kResourceExhausted:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case Code::kUnavailable:
      return grpc::StatusCode::UNAVAILABLE;
    case Code::kUnauthenticated:
      return grpc::StatusCode::UNAUTHENTICATED;
    case Code::kDataLoss:
      return grpc::StatusCode::DATA_LOSS;
    case Code::kInternal:
      return grpc::StatusCode::INTERNAL;
  }
  return grpc::StatusCode::UNKNOWN;
}

grpc::Status ToGrpc(const Status& status) {
  return status.ok() ? grpc::Status::OK : grpc::Status(CodeOf(status.code()), status.message());
}

grpc::Status CheckToken(const grpc::ServerContext& context) {
  const auto& metadata = context.client_metadata();
  const auto at = metadata.find("authorization");
  const std::string expected = std::string("Bearer ") + kFakeToken;
  if (at != metadata.end() && std::string(at->second.data(), at->second.size()) == expected) {
    return grpc::Status::OK;
  }
  return {grpc::StatusCode::UNAUTHENTICATED, "no token or a wrong one"};
}

const grpc::Status kNoAnswer(grpc::StatusCode::UNIMPLEMENTED, "the test has no answer");

template <class Request, class Response>
grpc::Status Reply(const grpc::ServerContext& context, const Answer<Request, Response>& answer,
                   const Request& request, Response& response) {
  if (grpc::Status token = CheckToken(context); !token.ok()) return token;
  if (!answer) return kNoAnswer;
  const Result<Response> result = answer(request);
  if (result.ok()) response = *result;
  return ToGrpc(result.status());
}

template <class Request, class Response>
grpc::Status Send(const grpc::ServerContext& context, const StreamAnswer<Request, Response>& answer,
                  const Request& request, grpc::ServerWriter<Response>& writer) {
  if (grpc::Status token = CheckToken(context); !token.ok()) return token;
  if (!answer) return kNoAnswer;
  const Stream<Response> stream = answer(request);
  for (const Response& message : stream.messages) writer.Write(message);
  return ToGrpc(stream.end);
}

}  // namespace

#define FUSOR_ANSWER(method, name, field)                                             \
  grpc::Status method(grpc::ServerContext* context, const v1::name##Request* request, \
                      v1::name##Response* response) override {                        \
    return Reply(*context, answers.field, *request, *response);                       \
  }
#define FUSOR_SEND(method, name, field)                                               \
  grpc::Status method(grpc::ServerContext* context, const v1::name##Request* request, \
                      grpc::ServerWriter<v1::name##Response>* writer) override {      \
    return Send(*context, answers.field, *request, *writer);                          \
  }

struct FakeCoordinator::Impl {
  struct Sweeps final : v1::SweepService::Service {
    explicit Sweeps(FakeAnswers& answers_in) : answers(answers_in) {}
    FUSOR_ANSWER(Plan, Plan, plan)
    FUSOR_ANSWER(Submit, Submit, submit)
    FUSOR_ANSWER(Get, GetSweep, get_sweep)
    FUSOR_ANSWER(List, ListSweeps, list_sweeps)
    FUSOR_ANSWER(Cancel, CancelSweep, cancel_sweep)
    FUSOR_ANSWER(Pause, PauseSweep, pause)
    FUSOR_ANSWER(Resume, ResumeSweep, resume)
    FUSOR_ANSWER(Set, SetSweep, set)
    FUSOR_ANSWER(Extend, ExtendSweep, extend)
    FUSOR_ANSWER(Delete, DeleteSweep, remove)
    FUSOR_ANSWER(Results, Results, results)
    FUSOR_SEND(Watch, WatchSweep, watch)
    FakeAnswers& answers;
  };
  struct Trials final : v1::TrialService::Service {
    explicit Trials(FakeAnswers& answers_in) : answers(answers_in) {}
    FUSOR_ANSWER(Get, GetTrial, get_trial)
    FUSOR_ANSWER(List, ListTrials, list_trials)
    FUSOR_ANSWER(Best, BestTrial, best_trial)
    FUSOR_ANSWER(Explain, ExplainTrial, explain)
    FUSOR_ANSWER(Retry, RetryTrials, retry)
    FUSOR_ANSWER(Cancel, CancelTrials, cancel_trials)
    FUSOR_ANSWER(ListMetrics, ListMetrics, list_metrics)
    FUSOR_SEND(WatchLogs, WatchLogs, logs)
    FakeAnswers& answers;
  };
  struct Cluster final : v1::ClusterService::Service {
    explicit Cluster(FakeAnswers& answers_in) : answers(answers_in) {}
    FUSOR_ANSWER(GetInfo, GetInfo, get_info)
    FUSOR_ANSWER(ListWorkers, ListWorkers, list_workers)
    FUSOR_ANSWER(Drain, Drain, drain)
    FUSOR_ANSWER(Resume, ResumeWorker, resume_worker)
    FakeAnswers& answers;
  };
  struct Artifacts final : v1::ArtifactService::Service {
    explicit Artifacts(FakeAnswers& answers_in) : answers(answers_in) {}
    FUSOR_ANSWER(List, ListArtifacts, list_artifacts)
    FUSOR_SEND(Download, Download, download)
    FakeAnswers& answers;
  };

  explicit Impl(FakeAnswers& answers)
      : sweeps(answers), trials(answers), cluster(answers), artifacts(answers) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&sweeps);
    builder.RegisterService(&trials);
    builder.RegisterService(&cluster);
    builder.RegisterService(&artifacts);
    server = builder.BuildAndStart();
    CHECK(server != nullptr && port != 0);
    address = "127.0.0.1:" + std::to_string(port);
  }

  Sweeps sweeps;
  Trials trials;
  Cluster cluster;
  Artifacts artifacts;
  std::unique_ptr<grpc::Server> server;
  std::string address;
};

#undef FUSOR_ANSWER
#undef FUSOR_SEND

FakeCoordinator::FakeCoordinator() : impl_(std::make_unique<Impl>(answers)) {}
FakeCoordinator::~FakeCoordinator() {
  impl_->server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
}
const std::string& FakeCoordinator::address() const { return impl_->address; }

}  // namespace fusor::client
