// What strangers and bad clients do to a daemon: garbage, no token, too much, half a conversation.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/sha256.h"
#include "proto/fusor/v1/artifact_service.grpc.pb.h"
#include "proto/fusor/v1/sweep_service.grpc.pb.h"
#include "proto/fusor/v1/trial_service.grpc.pb.h"
#include "tests/harness/wait.h"
#include "tests/integration/any_call.h"
#include "tests/integration/cluster.h"
#include "tests/integration/fake_worker.h"
#include "tests/integration/net.h"

namespace fusor::integration {
namespace {

using harness::WaitUntil;

constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string Probe(const std::string& params, const std::string& rest = "") {
  return "name: probe\nobjective: {metric: val/accuracy, goal: maximize}\n"
         "resources: {device: cpu}\nstages:\n  s:\n    recipe: probe\n    params: {" +
         params + "}\n" + rest;
}

std::string Noise(std::size_t bytes) {
  std::string noise(bytes, '\0');
  std::uint32_t state = 1;
  for (char& byte : noise) {
    state = state * 1'664'525u + 1'013'904'223u;
    byte = static_cast<char>(state >> 24);
  }
  return noise;
}

// A number of /metrics; -1 when it is not there.
long Metric(Cluster& cluster, const std::string& name) {
  const std::string text =
      HttpGet(cluster.daemon().http(), "/metrics", cluster.daemon().token()).body;
  const std::size_t at = text.find("\n" + name + " ");
  return at == std::string::npos ? -1 : std::atol(text.c_str() + at + name.size() + 2);
}

std::size_t OpenFiles(Cluster& cluster) {
  const std::string folder = "/proc/" + std::to_string(cluster.daemon().program().pid()) + "/fd";
  std::error_code ignored;
  const std::filesystem::directory_iterator all(folder, ignored);
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

grpc::StatusCode Call(Cluster& cluster, const std::string& method, const std::string& bytes) {
  return CallAnything(cluster.daemon().address(), method, cluster.daemon().token(), bytes)
      .error_code();
}

// The daemon goes on serving whatever the others do.
void ExpectServes(Cluster& cluster) {
  EXPECT_TRUE(cluster.daemon().program().Running()) << cluster.Log();
  EXPECT_EQ(HttpGet(cluster.daemon().http(), "/healthz").status, 200);
  EXPECT_EQ(cluster.Fusor({"ls"}).exit_code, 0);
}

// A connection of its own, so that cutting it is the end of a client.
template <class Service>
std::unique_ptr<typename Service::Stub> StubOf(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return Service::NewStub(
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
}

class Caller {
 public:
  explicit Caller(Cluster& cluster) {
    context.AddMetadata("authorization", "Bearer " + cluster.daemon().token());
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(3));
  }
  grpc::ClientContext context;
};

TEST(Faults, GarbageOnTheGrpcPort) {
  Cluster cluster;
  const std::string address = cluster.daemon().address();
  const std::string head(kPreface);
  // An empty SETTINGS frame, then a frame that claims 16 MiB; then headers that are none.
  const std::string settings("\0\0\0\4\0\0\0\0\0", 9);
  const std::string huge("\xff\xff\xff\0\0\0\0\0\1", 9);
  const std::string headers("\0\0\x40\1\5\0\0\0\1", 9);
  for (const std::string& bytes :
       {Noise(100'000), std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), head + Noise(100'000),
        head + settings + huge + Noise(1'000'000), std::string(1 << 20, '\0')}) {
    RawConnection connection(address);
    connection.Send(bytes);
    (void)connection.Receive(20);
    EXPECT_TRUE(connection.closed()) << bytes.substr(0, 40);
  }
  // Headers that are none cost their stream, not the connection.
  RawConnection headless(address);
  headless.Send(head + settings + headers + Noise(64));
  EXPECT_NE(headless.Receive(0.2), "");
  ExpectServes(cluster);
  // Many that begin to speak and then say nothing: they cost a descriptor each, and nobody waits.
  std::vector<std::unique_ptr<RawConnection>> mute;
  for (std::size_t i = 0; i < 200; ++i) {
    mute.push_back(std::make_unique<RawConnection>(address));
    mute.back()->Send(head.substr(0, i % head.size()));
  }
  const auto agent = cluster.StartAgent("a", 1);
  const std::string sweep = cluster.Submit(Probe("steps: 2"));
  EXPECT_TRUE(cluster.WaitEnded(sweep, 1, 60)) << agent->Log();
  ExpectServes(cluster);
  mute.clear();
  EXPECT_TRUE(WaitUntil([&] { return OpenFiles(cluster) < 150; }, 30)) << OpenFiles(cluster);
}

TEST(Faults, GarbageOnTheHttpPort) {
  Cluster cluster;
  const std::string http = cluster.daemon().http();
  const long refused = Metric(cluster, "fusor_http_refused_total");
  EXPECT_EQ(refused, 0);
  long expected = 0;
  const auto answer = [&](const std::string& bytes) {
    RawConnection connection(http);
    connection.Send(bytes);
    const std::string text = connection.Receive(20);
    EXPECT_TRUE(connection.closed()) << bytes.substr(0, 40);
    ++expected;
    return text.substr(0, 12);
  };
  EXPECT_EQ(answer(Noise(10'000)), "HTTP/1.1 400");
  EXPECT_EQ(answer(std::string(kPreface) + std::string(100, '\0')), "HTTP/1.1 400");
  EXPECT_EQ(answer("GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n"),
            "HTTP/1.1 431");
  EXPECT_EQ(answer("POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nbody"),
            "HTTP/1.1 413");
  EXPECT_EQ(Metric(cluster, "fusor_http_refused_total"), expected);
  // Half a request each, for as long as they like; the others are served.
  std::vector<std::unique_ptr<RawConnection>> mute;
  for (int i = 0; i < 50; ++i) {
    mute.push_back(std::make_unique<RawConnection>(http));
    mute.back()->Send("GET /heal");
  }
  ExpectServes(cluster);
}

TEST(Faults, GarbageAndTooMuchInAMessage) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 1);
  const std::string sweep = cluster.Submit(Probe("steps: 300, step_ms: 10"));
  const std::string garbage = "\xff\xff\xff\xff" + Noise(1'000);
  const std::string huge(9 << 20, 'x');
  for (const std::string& method : EveryMethod()) {
    const grpc::StatusCode refused = Call(cluster, method, garbage);
    // A stream that stops at the first bad message has not done anything for it.
    if (method.find("ServerReflection") == std::string::npos) {
      EXPECT_NE(refused, grpc::StatusCode::OK) << method;
    }
    EXPECT_NE(refused, grpc::StatusCode::DEADLINE_EXCEEDED) << method;
    EXPECT_EQ(Call(cluster, method, huge), grpc::StatusCode::RESOURCE_EXHAUSTED) << method;
  }
  // What a worker's stream is closed for is counted and logged.
  EXPECT_EQ(Call(cluster, "/fusor.v1.WorkerService/Session", garbage),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_GE(Metric(cluster, "fusor_sessions_refused_total"), 2);
  EXPECT_NE(cluster.Log().find("event=session_garbage"), std::string::npos) << cluster.Log();
  ExpectServes(cluster);
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 60)) << agent->Log();
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM attempt"), "1");
  EXPECT_EQ(Metric(cluster, "fusor_sessions"), 1);
}

// A sensible message with senseless content.
TEST(Faults, AStreamThatTalksNonsenseEndsAloneAndIsCounted) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 1);
  const std::string sweep = cluster.Submit(Probe("steps: 300, step_ms: 10"));
  ASSERT_TRUE(WaitUntil([&] { return !agent->Trials().empty(); }, 60)) << agent->Log();
  FakeWorker liar(cluster.daemon().address(), cluster.daemon().token());
  liar.Hello("liar", 1, {1, 2, 3});
  ASSERT_TRUE(liar.AwaitKind(v1::CoordinatorItem::kWelcome).has_welcome());
  v1::SessionRequest request;
  v1::Facts& facts = *request.add_items()->mutable_facts();
  facts.set_attempt(1);
  facts.set_first_number(1);
  v1::MetricColumns& columns = *facts.add_facts()->mutable_metrics();
  columns.add_names("x");
  columns.add_steps(1);
  for (int i = 0; i < 7; ++i) columns.add_values(i);
  liar.Say(request);
  EXPECT_EQ(liar.End().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Metric(cluster, "fusor_sessions_refused_total"), 1);
  ASSERT_TRUE(cluster.WaitEnded(sweep, 1, 60)) << agent->Log();
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM attempt"), "1");
}

TEST(Faults, NobodyGetsInWithoutTheToken) {
  Cluster cluster;
  const std::vector<std::string> methods = EveryMethod();
  // Five services of our own, health, and both versions of reflection.
  EXPECT_GE(methods.size(), 30u);
  const std::string token = cluster.daemon().token();
  std::string other = token;
  other.back() = other.back() == '0' ? '1' : '0';
  for (const std::string& method : methods) {
    for (const std::string& wrong : {std::string(), other, token + "0", token.substr(1)}) {
      EXPECT_EQ(CallAnything(cluster.daemon().address(), method, wrong, "").error_code(),
                grpc::StatusCode::UNAUTHENTICATED)
          << method << " '" << wrong << "'";
    }
  }
  const std::string http = cluster.daemon().http();
  EXPECT_EQ(HttpGet(http, "/metrics").status, 401);
  EXPECT_EQ(HttpGet(http, "/metrics", other).status, 401);
  EXPECT_EQ(HttpGet(http, "/metrics", token).status, 200);
  EXPECT_EQ(HttpGet(http, "/healthz").status, 200);
  EXPECT_EQ(Metric(cluster, "fusor_unauthenticated_total"),
            static_cast<long>(4 * methods.size() + 2));
  EXPECT_EQ(Metric(cluster, "fusor_sessions"), 0);
  EXPECT_EQ(Metric(cluster, "fusor_watchers"), 0);
}

// One client's streams: everything that can be open for long.
struct Streams {
  Streams(Cluster& cluster, const std::string& address, const std::string& trial,
          const std::string& sha256)
      : sweeps(StubOf<v1::SweepService>(address)),
        trials(StubOf<v1::TrialService>(address)),
        artifacts(StubOf<v1::ArtifactService>(address)) {
    for (auto& caller : callers) caller = std::make_unique<Caller>(cluster);
    watch = sweeps->Watch(&callers[0]->context, {});
    v1::WatchLogsRequest logs_request;
    logs_request.set_trial(trial);
    logs_request.set_follow(true);
    logs = trials->WatchLogs(&callers[1]->context, logs_request);
    v1::WatchMetricsRequest metrics_request;
    metrics_request.set_trial(trial);
    metrics = trials->WatchMetrics(&callers[2]->context, metrics_request);
    v1::DownloadRequest download_request;
    download_request.set_sha256(sha256);
    download = artifacts->Download(&callers[3]->context, download_request);
    upload = artifacts->Upload(&callers[4]->context, &uploaded);
  }

  std::unique_ptr<Caller> callers[5];
  std::unique_ptr<v1::SweepService::Stub> sweeps;
  std::unique_ptr<v1::TrialService::Stub> trials;
  std::unique_ptr<v1::ArtifactService::Stub> artifacts;
  v1::UploadResponse uploaded;
  std::unique_ptr<grpc::ClientReader<v1::WatchSweepResponse>> watch;
  std::unique_ptr<grpc::ClientReader<v1::WatchLogsResponse>> logs;
  std::unique_ptr<grpc::ClientReader<v1::WatchMetricsResponse>> metrics;
  std::unique_ptr<grpc::ClientReader<v1::DownloadResponse>> download;
  std::unique_ptr<grpc::ClientWriter<v1::UploadRequest>> upload;
};

grpc::Status Upload(Cluster& cluster, const std::string& content, std::uint64_t offset) {
  const auto stub = StubOf<v1::ArtifactService>(cluster.daemon().address());
  Caller caller(cluster);
  v1::UploadResponse response;
  const auto stream = stub->Upload(&caller.context, &response);
  for (bool first = true; offset < content.size(); first = false) {
    v1::UploadRequest chunk;
    if (first) {
      chunk.set_sha256(Sha256Hex(content));
      chunk.set_bytes(content.size());
    }
    chunk.set_offset(offset);
    chunk.set_chunk(content.substr(offset, 1 << 20));
    offset += chunk.chunk().size();
    if (!stream->Write(chunk)) break;
  }
  stream->WritesDone();
  return stream->Finish();
}

v1::GetUploadResponse UploadStatus(Cluster& cluster, const std::string& content) {
  const auto stub = StubOf<v1::ArtifactService>(cluster.daemon().address());
  Caller caller(cluster);
  v1::GetUploadRequest request;
  request.set_sha256(Sha256Hex(content));
  request.set_bytes(content.size());
  v1::GetUploadResponse response;
  EXPECT_TRUE(stub->GetUpload(&caller.context, request, &response).ok());
  return response;
}

void VanishMidStream(Proxy::Mode how) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 1);
  const std::string sweep = cluster.Submit(Probe("steps: 100000, step_ms: 20"));
  ASSERT_TRUE(WaitUntil([&] { return !agent->Trials().empty(); }, 60)) << agent->Log();
  const std::string stored = Noise(24 << 20);
  ASSERT_TRUE(Upload(cluster, stored, 0).ok());
  const std::size_t before = OpenFiles(cluster);
  const std::string half = Noise(5 << 20);
  Proxy cable(cluster.daemon().address());
  {
    Streams streams(cluster, cable.address(), sweep + ".s.0", Sha256Hex(stored));
    v1::WatchSweepResponse event;
    EXPECT_TRUE(streams.watch->Read(&event));
    v1::WatchMetricsResponse points;
    EXPECT_TRUE(streams.metrics->Read(&points));
    v1::DownloadResponse part;
    EXPECT_TRUE(streams.download->Read(&part));
    v1::UploadRequest chunk;
    chunk.set_sha256(Sha256Hex(half));
    chunk.set_bytes(half.size());
    chunk.set_chunk(half.substr(0, 1 << 20));
    EXPECT_TRUE(streams.upload->Write(chunk));
    EXPECT_TRUE(WaitUntil([&] { return UploadStatus(cluster, half).offset() == 1u << 20; }, 30));
    EXPECT_TRUE(WaitUntil([&] { return Metric(cluster, "fusor_watchers") == 3; }, 30));
    // The cable goes first, so that no goodbye gets through.
    cable.Set(how);
    EXPECT_TRUE(WaitUntil([&] { return Metric(cluster, "fusor_watchers") == 0; }, 90))
        << Metric(cluster, "fusor_watchers");
    for (auto& caller : streams.callers) caller->context.TryCancel();
  }
  cable.Set(Proxy::Mode::kCut);
  EXPECT_TRUE(WaitUntil([&] { return OpenFiles(cluster) <= before + 2; }, 30))
      << OpenFiles(cluster) << " after " << before;
  // What the upload brought is there, and another client may go on with it.
  EXPECT_EQ(UploadStatus(cluster, half).offset(), 1u << 20);
  const grpc::Status rest = Upload(cluster, half, 1 << 20);
  EXPECT_TRUE(rest.ok()) << rest.error_message();
  EXPECT_TRUE(UploadStatus(cluster, half).complete());
  ExpectServes(cluster);
}

TEST(Faults, ClientsThatVanish) { VanishMidStream(Proxy::Mode::kCut); }
// No end of a connection tells of it: only that nothing answers.
TEST(Faults, ClientsWhoseCableIsPulled) { VanishMidStream(Proxy::Mode::kHold); }

// Every place for a watcher, taken by clients that are killed, is free again.
TEST(Faults, WatchersThatVanishFreeTheirPlaces) {
  Cluster cluster;
  constexpr int kPlaces = 1'024;
  for (int round = 0; round < 2; ++round) {
    Proxy cable(cluster.daemon().address());
    const auto stub = StubOf<v1::SweepService>(cable.address());
    std::vector<std::unique_ptr<Caller>> callers;
    std::vector<std::unique_ptr<grpc::ClientReader<v1::WatchSweepResponse>>> watches;
    for (int i = 0; i < kPlaces; ++i) {
      callers.push_back(std::make_unique<Caller>(cluster));
      watches.push_back(stub->Watch(&callers.back()->context, {}));
    }
    EXPECT_TRUE(WaitUntil([&] { return Metric(cluster, "fusor_watchers") == kPlaces; }, 60))
        << Metric(cluster, "fusor_watchers");
    EXPECT_EQ(Call(cluster, "/fusor.v1.SweepService/Watch", ""),
              grpc::StatusCode::RESOURCE_EXHAUSTED);
    cable.Set(Proxy::Mode::kCut);
    EXPECT_TRUE(WaitUntil([&] { return Metric(cluster, "fusor_watchers") == 0; }, 60))
        << Metric(cluster, "fusor_watchers");
    for (auto& caller : callers) caller->context.TryCancel();
  }
  ExpectServes(cluster);
}

// A reader that was live, stopped reading, and finds itself far behind is told so.
TEST(Faults, SlowReaderIsToldToResync) {
  Cluster cluster;
  FakeWorker worker(cluster.daemon().address(), cluster.daemon().token());
  worker.Hello("quick", 500, {});
  // No room for messages that nobody reads: else gRPC takes megabytes on the reader's behalf.
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 1024);
  const auto stub = v1::SweepService::NewStub(grpc::CreateCustomChannel(
      cluster.daemon().address(), grpc::InsecureChannelCredentials(), arguments));
  Caller caller(cluster);
  const auto watch = stub->Watch(&caller.context, {});
  v1::WatchSweepResponse message;
  ASSERT_TRUE(watch->Read(&message));
  EXPECT_FALSE(message.resync());
  constexpr std::uint64_t kTrials = 15'000;
  std::string seeds;
  for (std::uint64_t i = 0; i < kTrials; ++i) seeds += (i == 0 ? "" : ",") + std::to_string(i);
  const std::string sweep = cluster.Submit(Probe("steps: 1", "seeds: [" + seeds + "]\n"));
  worker.RunInstantTrials(kTrials);
  ASSERT_TRUE(cluster.WaitEnded(sweep, kTrials, 120));
  const std::string last = cluster.Sql("state.db", "SELECT max(id) FROM event");
  bool resync = false;
  std::uint64_t cursor = 0;
  while (cursor < std::stoull(last) && watch->Read(&message)) {
    resync = resync || message.resync();
    // What follows goes on from there; nothing comes twice.
    for (const v1::Event& event : message.events()) EXPECT_GT(event.id(), cursor);
    cursor = message.cursor();
  }
  EXPECT_TRUE(resync);
  EXPECT_GE(cursor, std::stoull(last));
  // The same stream is live again.
  ASSERT_EQ(cluster.Fusor({"set", sweep, "priority=60"}).exit_code, 0);
  bool heard = false;
  while (!heard && watch->Read(&message)) {
    for (const v1::Event& event : message.events()) heard = heard || event.id() > cursor;
  }
  EXPECT_TRUE(heard);
}

TEST(Faults, SameRequestIdWithOtherContent) {
  Cluster cluster;
  const std::string submit = "/fusor.v1.SweepService/Submit";
  v1::SubmitRequest request;
  request.set_request_id("once");
  request.set_source(Probe("steps: 1"));
  ASSERT_EQ(Call(cluster, submit, request.SerializeAsString()), grpc::StatusCode::OK);
  EXPECT_EQ(Call(cluster, submit, request.SerializeAsString()), grpc::StatusCode::OK);
  v1::SubmitRequest other = request;
  other.add_overrides("seeds=[0,1]");
  EXPECT_EQ(Call(cluster, submit, other.SerializeAsString()), grpc::StatusCode::ALREADY_EXISTS);
  // Over kinds of calls too, and over a restart.
  v1::PauseSweepRequest pause;
  pause.set_request_id("once");
  pause.set_sweep(1);
  const std::string pauses = "/fusor.v1.SweepService/Pause";
  EXPECT_EQ(Call(cluster, pauses, pause.SerializeAsString()), grpc::StatusCode::ALREADY_EXISTS);
  cluster.KillDaemon();
  cluster.RestartDaemon();
  EXPECT_EQ(Call(cluster, submit, request.SerializeAsString()), grpc::StatusCode::OK);
  EXPECT_EQ(Call(cluster, submit, other.SerializeAsString()), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(Call(cluster, pauses, pause.SerializeAsString()), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) || ' ' || max(state) FROM sweep"),
            "1 running");
}

TEST(Faults, TemplateKilledWhileTrialsRun) {
  Cluster cluster;
  const auto agent = cluster.StartAgent("a", 2);
  const std::string sweep =
      cluster.Submit(Probe("steps: 100, step_ms: 10", "seeds: [0, 1, 2, 3]\n"));
  ASSERT_TRUE(WaitUntil([&] { return agent->Trials().size() == 2; }, 60)) << agent->Log();
  const pid_t process = agent->Template();
  ASSERT_GT(process, 0);
  ASSERT_EQ(::kill(process, SIGKILL), 0);
  ASSERT_TRUE(cluster.WaitEnded(sweep, 4, 60)) << agent->Log();
  // Those that ran went on; the next ones came from a new template.
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM attempt"), "4");
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM trial WHERE state = 'succeeded'"), "4");
}

}  // namespace
}  // namespace fusor::integration
