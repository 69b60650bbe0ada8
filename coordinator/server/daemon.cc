#include "coordinator/server/daemon.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "coordinator/server/clock.h"
#include "coordinator/server/edge.h"
#include "coordinator/server/grpc_server.h"
#include "coordinator/server/housekeeper.h"
#include "coordinator/server/metrics_text.h"
#include "coordinator/server/metrics_thread.h"
#include "coordinator/server/outbox.h"
#include "coordinator/web/http_server.h"

namespace fusor {

namespace {

constexpr int kReaderConnections = 4;
constexpr std::chrono::milliseconds kScrapePatience{500};
constexpr const char* kVersion = "0.1.0";

}  // namespace

// In the order in which they come to life; they go in the opposite one.
struct Daemon::Parts {
  ServeOptions options;
  SystemClock clock;
  Stats stats;
  Health health;
  Calls calls;
  SpecCache specs;
  LiveTable live;
  std::unique_ptr<StateStore> state;
  std::unique_ptr<MetricsStore> metrics_store;
  std::unique_ptr<ArtifactStore> artifacts;
  Readers readers;
  std::optional<Guard> guard;
  std::optional<ReadThreads> read_threads;
  std::optional<WatchHub> hub;
  std::optional<WorkerSessions> sessions;
  std::optional<MetricsThread> metrics;
  std::optional<Housekeeper> housekeeper;
  std::optional<DaemonOutbox> outbox;
  std::optional<Loop> loop;
  Edge edge;
  std::optional<GrpcServer> grpc;
  std::unique_ptr<HttpServer> http;
  Endpoint endpoint;
  bool stopped = false;

  Status OpenFiles();
  Status MakeLoop();
  // The rows of sweeps that were deleted before metrics.db had heard of it, or was done with it.
  Status RemoveLeftMetrics(const Snapshot& snapshot);
  void MakeThreads();
  Status Listen();
  void StartThreads();
  HttpReply OnHttp(const HttpRequest& request);
  HttpReply Scrape();
};

Status Daemon::Parts::OpenFiles() {
  Result<std::unique_ptr<StateStore>> opened = StateStore::Open({options.data, options.exclusive});
  if (!opened.ok()) return opened.status();
  state = std::move(*opened);
  Result<std::unique_ptr<MetricsStore>> metrics_opened =
      MetricsStore::Open({options.data, options.exclusive});
  if (!metrics_opened.ok()) return metrics_opened.status();
  metrics_store = std::move(*metrics_opened);
  Result<std::unique_ptr<ArtifactStore>> artifacts_opened = ArtifactStore::Open(options.data);
  if (!artifacts_opened.ok()) return artifacts_opened.status();
  artifacts = std::move(*artifacts_opened);
  auto state_reader = StateReader::Open(state->read_door(), kReaderConnections);
  if (!state_reader.ok()) return state_reader.status();
  auto metrics_reader = MetricsReader::Open(metrics_store->read_door(), kReaderConnections);
  if (!metrics_reader.ok()) return metrics_reader.status();
  readers = {std::move(*state_reader), std::move(*metrics_reader)};
  Result<std::string> token = LoadOrMakeToken(options.data);
  if (!token.ok()) return token.status();
  guard.emplace(std::move(*token), stats);
  return Ok();
}

void Daemon::Parts::MakeThreads() {
  read_threads.emplace(ReadThreads::Options{}, stats);
  hub.emplace(WatchHub::Options{.watchers_max = options.watchers_max}, stats);
  sessions.emplace(*guard, stats);
  metrics.emplace(
      MetricsThread::Options{}, *metrics_store, stats, health,
      [this](BatchesStored stored) { (void)loop->Post(std::move(stored), Admission::kAlways); },
      [this](const std::vector<MetricsBatch>& batches) {
        live.Add(batches, clock.Now());
        hub->OnStored();
      });
  Housekeeper::Parts parts{artifacts.get(), &readers, &stats, {}, {}, options.data};
  parts.forget = [this](std::vector<std::string> sha256s) {
    (void)loop->Post(GarbageCollected{std::move(sha256s)}, Admission::kAlways);
  };
  parts.health_changed = [this] { grpc->HealthChanged(); };
  housekeeper.emplace(Housekeeper::Options{}, std::move(parts));
  outbox.emplace(DaemonOutbox::Parts{&*sessions, &calls, &*hub, &*metrics, &live, &*housekeeper});
}

Status Daemon::Parts::MakeLoop() {
  const Result<Snapshot> snapshot = state->Load(ParseStoredSweep);
  if (!snapshot.ok()) return snapshot.status();
  CoreOptions core_options;
  core_options.cluster_id = state->cluster_id();
  core_options.generation = state->generation();
  core_options.lease_length = options.lease_length;
  core_options.heartbeat_every = options.heartbeat_every;
  core_options.start_deadline = options.start_deadline;
  auto core = std::make_unique<Core>(core_options, *snapshot, clock.Now());
  auto engine = std::make_unique<Engine>(std::move(core), *snapshot,
                                         Engine::Parts{state.get(), &*metrics, &*outbox, &stats});
  Loop::Options loop_options;
  loop_options.on_frozen = [this] {
    calls.FailAll(Unavailable("the coordinator cannot write: " + health.Reason() +
                              "; nothing acknowledged is lost, try again later"));
    housekeeper->LookAtHealth();
  };
  loop.emplace(std::move(loop_options), std::move(engine), clock, stats, health);
  RETURN_IF_ERROR(RemoveLeftMetrics(*snapshot));
  sessions->Connect(*loop);
  hub->OnCommitted(snapshot->last_event);
  spdlog::info("event=restored sweeps={} live_attempts={} last_event={} clean={}",
               snapshot->sweeps.size(), snapshot->live_attempts.size(), snapshot->last_event.value,
               state->was_clean());
  return Ok();
}

Status Daemon::Parts::RemoveLeftMetrics(const Snapshot& snapshot) {
  const Result<std::vector<SweepId>> sweeps = metrics_store->Sweeps();
  if (!sweeps.ok()) return sweeps.status();
  for (const SweepId sweep : *sweeps) {
    const bool is_there =
        std::any_of(snapshot.sweeps.begin(), snapshot.sweeps.end(),
                    [&](const auto& restored) { return restored.row.id == sweep; });
    if (!is_there) metrics->RemoveSweep(sweep);
  }
  return Ok();
}

Status Daemon::Parts::Listen() {
  edge = {&*guard, &clock, &*loop,          &calls, &*read_threads, &readers,
          &specs,  &live,  artifacts.get(), &stats, &health};
  const ClusterInfo info{state->cluster_id(), state->generation(), kVersion, clock.Now()};
  grpc.emplace(GrpcServer::Parts{&edge, &*sessions, &*hub, info});
  // What a client or worker sends from its first moment must find everything running.
  StartThreads();
  const Result<std::uint16_t> port = grpc->Start(options.listen);
  if (!port.ok()) return port.status();
  HttpServer::Options http_options;
  http_options.host = options.http.host;
  http_options.port = options.http.port;
  http_options.on_refused = [this](unsigned) { ++stats.http_refused; };
  Result<std::unique_ptr<HttpServer>> listening = HttpServer::Listen(
      http_options, [this](const HttpRequest& request) { return OnHttp(request); });
  if (!listening.ok()) return listening.status();
  http = std::move(*listening);
  http->Start();
  endpoint = {Address{options.listen.host, *port}.ToString(),
              Address{options.http.host, http->port()}.ToString(), static_cast<int>(::getpid())};
  return WriteEndpoint(options.data, endpoint);
}

void Daemon::Parts::StartThreads() {
  read_threads->Start();
  hub->Start();
  metrics->Start();
  loop->Start();
  housekeeper->Start();
}

HttpReply Daemon::Parts::OnHttp(const HttpRequest& request) {
  if (request.path == "/healthz") {
    if (health.serving()) return {200, "text/plain; charset=utf-8", "ok\n"};
    return {503, "text/plain; charset=utf-8", health.Reason() + "\n"};
  }
  if (request.path == "/metrics") {
    if (guard->Allows(request.authorization)) return Scrape();
    return {401, "text/plain; charset=utf-8", "authorization: Bearer TOKEN is missing or wrong\n"};
  }
  return {404, "text/plain; charset=utf-8", "nothing here; /healthz and /metrics are\n"};
}

HttpReply Daemon::Parts::Scrape() {
  ClusterNumbers numbers;
  const Status asked = AskCore(
      edge, [&](const Core& core, Time) { numbers = CountCluster(core); }, kScrapePatience);
  return {200, "text/plain; version=0.0.4; charset=utf-8",
          MetricsText(stats, health, asked.ok() ? &numbers : nullptr)};
}

Daemon::Daemon(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Daemon::~Daemon() { (void)Stop(); }

const Endpoint& Daemon::endpoint() const { return parts_->endpoint; }

Result<std::unique_ptr<Daemon>> Daemon::Start(const ServeOptions& options) {
  auto parts = std::make_unique<Parts>();
  parts->options = options;
  RETURN_IF_ERROR(parts->OpenFiles());
  parts->MakeThreads();
  RETURN_IF_ERROR(parts->MakeLoop());
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(parts)));
  RETURN_IF_ERROR(daemon->parts_->Listen());
  return daemon;
}

Status Daemon::Stop() {
  Parts& parts = *parts_;
  if (std::exchange(parts.stopped, true)) return Ok();
  parts.health.Set(Health::Part::kStopping, "stopping");
  std::error_code ignored;
  if (!parts.endpoint.grpc.empty())
    std::filesystem::remove(parts.options.data / "endpoint", ignored);
  if (parts.grpc) {
    parts.grpc->HealthChanged();
    parts.grpc->Stop(parts.options.stop_deadline / 2);
  }
  if (parts.http) parts.http->Stop();
  parts.housekeeper->Stop();
  parts.read_threads->Stop();
  parts.metrics->Stop();
  parts.loop->Stop();
  parts.readers = {};
  RETURN_IF_ERROR(parts.metrics_store->Close());
  return parts.state->Close();
}

}  // namespace fusor
