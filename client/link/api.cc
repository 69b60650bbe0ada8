#include "client/link/api.h"

#include <grpcpp/create_channel.h>

#include <condition_variable>
#include <mutex>
#include <set>
#include <utility>

#include "client/link/grpc_status.h"
#include "common/base/limits.h"
#include "fusor/v1/artifact_service.grpc.pb.h"
#include "fusor/v1/cluster_service.grpc.pb.h"
#include "fusor/v1/sweep_service.grpc.pb.h"
#include "fusor/v1/trial_service.grpc.pb.h"

namespace fusor::client {

namespace {

constexpr Duration kPauseMin{50};
constexpr Duration kPauseMax{1'000};
// The loop's limit holds for one message of the coordinator's; answers may be larger than requests.
constexpr int kAnswerBytesMax = static_cast<int>(4 * limits::kMessageBytesMax);

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  // Despite its name: how long one attempt to connect may take. A busy machine needs its time.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 10'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(kAnswerBytesMax);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

struct Api::Impl {
  explicit Impl(Options options_in)
      : options(std::move(options_in)),
        channel(MakeChannel(options.address)),
        sweeps(v1::SweepService::NewStub(channel)),
        trials(v1::TrialService::NewStub(channel)),
        cluster(v1::ClusterService::NewStub(channel)),
        artifacts(v1::ArtifactService::NewStub(channel)) {}

  // A call's context, known to Cancel while it is open.
  class Open {
   public:
    explicit Open(Impl& impl) : impl_(impl) {
      if (!impl.options.token.empty()) {
        context.AddMetadata("authorization", "Bearer " + impl.options.token);
      }
      const std::lock_guard lock(impl_.mu);
      impl_.open.insert(&context);
      if (impl_.canceled) context.TryCancel();
    }
    ~Open() {
      const std::lock_guard lock(impl_.mu);
      impl_.open.erase(&context);
    }
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;

    grpc::ClientContext context;

   private:
    Impl& impl_;
  };

  template <class Stub, class Request, class Response>
  Result<Response> Unary(Stub& stub,
                         grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                      Response*),
                         const Request& request);
  template <class Stub, class Request, class Response>
  Status Stream(Stub& stub,
                std::unique_ptr<grpc::ClientReader<Response>> (Stub::*method)(grpc::ClientContext*,
                                                                              const Request&),
                const Request& request, const Reader<Response>& reader);

  // Waits before the next try; false when the call was canceled or there is no time left.
  bool Pause(Duration pause, std::chrono::steady_clock::time_point give_up);
  void Note(const grpc::Status& status);

  const Options options;
  const std::shared_ptr<grpc::Channel> channel;
  const std::unique_ptr<v1::SweepService::Stub> sweeps;
  const std::unique_ptr<v1::TrialService::Stub> trials;
  const std::unique_ptr<v1::ClusterService::Stub> cluster;
  const std::unique_ptr<v1::ArtifactService::Stub> artifacts;

  std::mutex mu;
  std::condition_variable changed;
  std::set<grpc::ClientContext*> open;  // guarded by mu
  bool canceled = false;                // guarded by mu
  bool was_reached = false;             // guarded by mu: some call got an answer
  bool is_connected = false;            // guarded by mu
};

bool Api::Impl::Pause(Duration pause, std::chrono::steady_clock::time_point give_up) {
  std::unique_lock lock(mu);
  if (std::chrono::steady_clock::now() + pause > give_up) return false;
  return !changed.wait_for(lock, pause, [this] { return canceled; });
}

void Api::Impl::Note(const grpc::Status& status) {
  const bool ready = channel->GetState(false) == GRPC_CHANNEL_READY;
  const std::lock_guard lock(mu);
  is_connected = status.ok() || ready;
  if (is_connected) was_reached = true;
}

template <class Stub, class Request, class Response>
Result<Response> Api::Impl::Unary(Stub& stub,
                                  grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                               Response*),
                                  const Request& request) {
  const auto started = std::chrono::steady_clock::now();
  Duration pause = kPauseMin;
  while (true) {
    Response response;
    grpc::Status status;
    {
      Open call(*this);
      call.context.set_deadline(std::chrono::system_clock::now() + options.deadline);
      status = (stub.*method)(&call.context, request, &response);
    }
    Note(status);
    if (status.ok()) return response;
    if (status.error_code() != grpc::StatusCode::UNAVAILABLE) return FromGrpc(status);
    Duration patience = options.patience_first;
    {
      const std::lock_guard lock(mu);
      if (was_reached) patience = options.patience_later;
    }
    if (!Pause(pause, started + patience)) return FromGrpc(status);
    pause = std::min(2 * pause, kPauseMax);
  }
}

template <class Stub, class Request, class Response>
Status Api::Impl::Stream(Stub& stub,
                         std::unique_ptr<grpc::ClientReader<Response>> (Stub::*method)(
                             grpc::ClientContext*, const Request&),
                         const Request& request, const Reader<Response>& reader) {
  Open call(*this);
  const auto stream = (stub.*method)(&call.context, request);
  Response response;
  while (stream->Read(&response)) {
    Note(grpc::Status::OK);
    if (reader(response)) continue;
    call.context.TryCancel();
    while (stream->Read(&response)) {
    }
    (void)stream->Finish();
    return Ok();
  }
  const grpc::Status status = stream->Finish();
  Note(status);
  return FromGrpc(status);
}

Api::Api(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Api::~Api() = default;

void Api::Cancel() {
  const std::lock_guard lock(impl_->mu);
  impl_->canceled = true;
  for (grpc::ClientContext* context : impl_->open) context->TryCancel();
  impl_->changed.notify_all();
}

bool Api::canceled() const {
  const std::lock_guard lock(impl_->mu);
  return impl_->canceled;
}

bool Api::IsConnected() const {
  const std::lock_guard lock(impl_->mu);
  return impl_->is_connected;
}

const std::string& Api::address() const { return impl_->options.address; }

// One line per call of the contract.
#define FUSOR_CALL(stub, service, method, name)                             \
  Result<v1::name##Response> Api::Call(const v1::name##Request& request) {  \
    return impl_->Unary(*impl_->stub, &v1::service::Stub::method, request); \
  }
#define FUSOR_STREAM(stub, service, method, name)                                                \
  Status Api::Read(const v1::name##Request& request, const Reader<v1::name##Response>& reader) { \
    return impl_->Stream(*impl_->stub, &v1::service::Stub::method, request, reader);             \
  }
FUSOR_CALL(sweeps, SweepService, Plan, Plan)
FUSOR_CALL(sweeps, SweepService, Submit, Submit)
FUSOR_CALL(sweeps, SweepService, Get, GetSweep)
FUSOR_CALL(sweeps, SweepService, List, ListSweeps)
FUSOR_CALL(sweeps, SweepService, Cancel, CancelSweep)
FUSOR_CALL(sweeps, SweepService, Pause, PauseSweep)
FUSOR_CALL(sweeps, SweepService, Resume, ResumeSweep)
FUSOR_CALL(sweeps, SweepService, Set, SetSweep)
FUSOR_CALL(sweeps, SweepService, Extend, ExtendSweep)
FUSOR_CALL(sweeps, SweepService, Delete, DeleteSweep)
FUSOR_CALL(sweeps, SweepService, Results, Results)
FUSOR_CALL(trials, TrialService, Get, GetTrial)
FUSOR_CALL(trials, TrialService, List, ListTrials)
FUSOR_CALL(trials, TrialService, Best, BestTrial)
FUSOR_CALL(trials, TrialService, Explain, ExplainTrial)
FUSOR_CALL(trials, TrialService, Retry, RetryTrials)
FUSOR_CALL(trials, TrialService, Cancel, CancelTrials)
FUSOR_CALL(trials, TrialService, ListMetrics, ListMetrics)
FUSOR_CALL(cluster, ClusterService, GetInfo, GetInfo)
FUSOR_CALL(cluster, ClusterService, ListWorkers, ListWorkers)
FUSOR_CALL(cluster, ClusterService, Drain, Drain)
FUSOR_CALL(cluster, ClusterService, Resume, ResumeWorker)
FUSOR_CALL(artifacts, ArtifactService, List, ListArtifacts)
FUSOR_STREAM(sweeps, SweepService, Watch, WatchSweep)
FUSOR_STREAM(trials, TrialService, WatchLogs, WatchLogs)
FUSOR_STREAM(artifacts, ArtifactService, Download, Download)
#undef FUSOR_CALL
#undef FUSOR_STREAM

}  // namespace fusor::client
