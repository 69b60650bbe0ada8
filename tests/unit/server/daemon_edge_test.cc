// The edge: token, reflection, health, what strangers send, HTTP, restarts.

#include <google/protobuf/descriptor.pb.h>
#include <grpcpp/generic/generic_stub.h>
#include <sys/stat.h>

#include <fstream>

#include "coordinator/server/files.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "tests/unit/server/daemon_fixture.h"

namespace fusor {
namespace {

namespace v1r = grpc::reflection::v1;

class EdgeTest : public DaemonTest {
 protected:
  EdgeTest() { StartDaemon(); }

  v1r::ServerReflectionResponse Reflect(const v1r::ServerReflectionRequest& request) {
    const auto stub = v1r::ServerReflection::NewStub(Connect());
    Call call(token_);
    auto stream = stub->ServerReflectionInfo(&call);
    v1r::ServerReflectionResponse response;
    EXPECT_TRUE(stream->Write(request));
    EXPECT_TRUE(stream->Read(&response));
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
    return response;
  }

  std::vector<std::string> Services() {
    v1r::ServerReflectionRequest request;
    request.set_list_services("");
    std::vector<std::string> names;
    const v1r::ServerReflectionResponse response = Reflect(request);
    for (const auto& each : response.list_services_response().service()) {
      names.push_back(each.name());
    }
    return names;
  }

  // Every method of the service, as "/package.Service/Method", by reflection alone.
  std::vector<std::string> Methods(const std::string& service) {
    v1r::ServerReflectionRequest request;
    request.set_file_containing_symbol(service);
    std::vector<std::string> methods;
    const v1r::ServerReflectionResponse response = Reflect(request);
    for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
      google::protobuf::FileDescriptorProto file;
      EXPECT_TRUE(file.ParseFromString(bytes));
      for (const auto& each : file.service()) {
        if (file.package() + "." + each.name() != service) continue;
        for (const auto& method : each.method()) {
          methods.push_back("/" + service + "/" + method.name());
        }
      }
    }
    return methods;
  }

  // The status of a call with an empty request and this token.
  grpc::Status CallRaw(const std::string& method, const std::string& token) {
    grpc::GenericStub stub(Connect());
    Call call(token);
    grpc::CompletionQueue queue;
    const auto stream = stub.PrepareCall(&call, method, &queue);
    void* tag = nullptr;
    bool ok = false;
    stream->StartCall(nullptr);
    EXPECT_TRUE(queue.Next(&tag, &ok));
    const grpc::Slice empty("");
    stream->WriteLast(grpc::ByteBuffer(&empty, 1), grpc::WriteOptions(), nullptr);
    EXPECT_TRUE(queue.Next(&tag, &ok));
    grpc::ByteBuffer answer;
    stream->Read(&answer, nullptr);
    EXPECT_TRUE(queue.Next(&tag, &ok));
    EXPECT_FALSE(ok) << method << " answered";
    grpc::Status status;
    stream->Finish(&status, nullptr);
    EXPECT_TRUE(queue.Next(&tag, &ok));
    queue.Shutdown();
    EXPECT_FALSE(queue.Next(&tag, &ok));
    return status;
  }
};

TEST_F(EdgeTest, EveryMethodOfEveryServiceWantsTheToken) {
  const std::vector<std::string> services = Services();
  EXPECT_EQ(services.size(), 8U);
  std::size_t methods = 0;
  for (const std::string& service : services) {
    for (const std::string& method : Methods(service)) {
      ++methods;
      for (const std::string& token : {std::string(), token_.substr(1), token_ + "0"}) {
        EXPECT_EQ(CallRaw(method, token).error_code(), grpc::StatusCode::UNAUTHENTICATED) << method;
      }
    }
  }
  EXPECT_EQ(methods, 34U);
}

TEST_F(EdgeTest, ReflectionServesOldAndNewClients) {
  const auto stub = grpc::reflection::v1alpha::ServerReflection::NewStub(Connect());
  Call call(token_);
  auto stream = stub->ServerReflectionInfo(&call);
  grpc::reflection::v1alpha::ServerReflectionRequest request;
  grpc::reflection::v1alpha::ServerReflectionResponse response;
  request.set_file_by_filename("fusor/v1/trial_service.proto");
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_GE(response.file_descriptor_response().file_descriptor_proto_size(), 4);
  request.set_file_containing_symbol("no.such.Thing");
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.error_response().error_code(), grpc::StatusCode::NOT_FOUND);
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(EdgeTest, HealthIsServing) {
  const auto stub = grpc::health::v1::Health::NewStub(Connect());
  grpc::health::v1::HealthCheckRequest request;
  grpc::health::v1::HealthCheckResponse response;
  Call c1(token_);
  ASSERT_TRUE(stub->Check(&c1, request, &response).ok());
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);
  request.set_service("fusor.v1.SweepService");
  Call c2(token_);
  EXPECT_TRUE(stub->Check(&c2, request, &response).ok());
  request.set_service("nobody");
  Call c3(token_);
  EXPECT_EQ(stub->Check(&c3, request, &response).error_code(), grpc::StatusCode::NOT_FOUND);
  Call c4(token_);
  request.set_service("");
  auto watch = stub->Watch(&c4, request);
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);
  StopDaemon();
  while (watch->Read(&response)) {
    EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::NOT_SERVING);
  }
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(EdgeTest, HttpTellsHealthAndNumbers) {
  EXPECT_EQ(Get("/healthz", ""), (std::pair<int, std::string>{200, "ok\n"}));
  EXPECT_EQ(Get("/metrics", "").first, 401);
  EXPECT_EQ(Get("/nothing", "").first, 404);
  (void)Submit(kSixTrials);
  const auto [code, text] = Get("/metrics", "Bearer " + token_);
  EXPECT_EQ(code, 200);
  for (const char* line :
       {"fusor_trials{state=\"ready\"} 6\n", "fusor_serving 1\n", "fusor_slots 0\n",
        "fusor_state_commit_seconds_bucket{le=\"+Inf\"} ", "fusor_loop_queue "}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

TEST_F(EdgeTest, TheEndpointFileComesAndGoes) {
  const Result<std::string> text = ReadSmallFile(options_.data / "endpoint", 1000);
  ASSERT_TRUE(text.ok());
  EXPECT_NE(text->find("grpc=" + daemon_->endpoint().grpc + "\n"), std::string::npos);
  StopDaemon();
  EXPECT_FALSE(std::filesystem::exists(options_.data / "endpoint"));
}

TEST_F(EdgeTest, ASecondDaemonIsRefused) {
  const auto second = Daemon::Start(options_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().message().find('\n'), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(options_.data / "endpoint"));
  ServeOptions same_port = options_;
  same_port.data = directory_ / "other";
  const std::string& address = daemon_->endpoint().grpc;
  same_port.listen.port =
      static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  const auto other = Daemon::Start(same_port);
  ASSERT_FALSE(other.ok());
  EXPECT_NE(other.status().message().find("cannot listen"), std::string::npos);
}

TEST_F(EdgeTest, GarbageAndOversizedMessagesEndOnlyTheirStream) {
  const auto good = Worker();
  good->Hello({.uid = "good"});
  (void)good->AwaitWelcome();

  const auto empty_item = Worker();
  v1::SessionRequest nothing;
  nothing.add_items();
  empty_item->Send(nothing);
  EXPECT_EQ(empty_item->AwaitEnd().error_code(), grpc::StatusCode::INVALID_ARGUMENT);

  const auto large = Worker();
  v1::SessionRequest oversized;
  AddFacts(oversized, 1, 1)->add_facts()->mutable_log()->set_text(std::string(9 << 20, 'x'));
  large->Send(oversized);
  EXPECT_EQ(large->AwaitEnd().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);

  const auto gap = Worker();
  gap->Hello({.uid = "gap"});
  (void)gap->AwaitWelcome();
  (void)Submit(kSixTrials);
  const v1::Start start = good->AwaitStart();
  good->Send(InstantTrial(start.attempt(), 1));
  good->AwaitAck(start.attempt(), 3);
}

TEST_F(EdgeTest, FactsWithoutStandingAreDroppedNotStored) {
  (void)Submit(kSixTrials);
  const auto owner = Worker();
  owner->Hello({.uid = "owner"});
  const v1::Start start = owner->AwaitStart();
  const auto stranger = Worker();
  stranger->Hello({.uid = "stranger"});
  (void)stranger->AwaitWelcome();
  stranger->Send(InstantTrial(start.attempt(), 99));
  const auto stop = stranger->Await([](const auto& item) { return item.has_stop(); });
  EXPECT_EQ(stop.stop().mode(), v1::STOP_MODE_DROP);
  EXPECT_EQ(stop.stop().attempt(), start.attempt());
  owner->Send(InstantTrial(start.attempt(), 1));
  owner->AwaitAck(start.attempt(), 3);
  EXPECT_EQ(GetSweep(0).best_objective(), 1);
  const auto early = Worker();
  early->Send(InstantTrial(start.attempt(), 99));
  (void)early->Await([](const auto& item) { return item.has_register_again(); });
}

TEST_F(EdgeTest, TwoStreamsOfOneWorkerAndANewerIncarnation) {
  const auto first = Worker();
  first->Hello({.uid = "w", .incarnation = 5});
  (void)first->AwaitWelcome();
  const auto older = Worker();
  older->Hello({.uid = "w", .incarnation = 4});
  const auto refusal = older->Await([](const auto& item) { return item.has_refuse(); });
  EXPECT_NE(refusal.refuse().reason(), v1::REFUSE_REASON_UNSPECIFIED);
  (void)older->AwaitEnd();
}

TEST_F(EdgeTest, WhatWasAcknowledgedSurvivesARestartAndRunningAttemptsAreAdopted) {
  const std::uint64_t sweep = Submit(kSixTrials);
  std::uint64_t running = 0;
  {
    const auto worker = Worker();
    worker->Hello({});
    const v1::Start done = worker->AwaitStart();
    worker->Send(InstantTrial(done.attempt(), 7));
    worker->AwaitAck(done.attempt(), 3);
    running = worker->AwaitStart().attempt();
    v1::SessionRequest report;
    v1::Facts& facts = *AddFacts(report, running, 1);
    facts.add_facts()->mutable_started()->set_resumed_from_step(-1);
    facts.add_facts()->mutable_progress()->set_step(1);
    worker->Send(report);
    worker->AwaitAck(running, 2);
    StopDaemon();
  }
  StartDaemon();
  EXPECT_EQ(Count(GetSweep(sweep), v1::TRIAL_STATE_SUCCEEDED), 1U);
  EXPECT_EQ(Count(GetSweep(sweep), v1::TRIAL_STATE_RUNNING), 1U);
  const auto worker = Worker();
  worker->Hello({.held = {running}});
  (void)worker->AwaitWelcome();
  v1::SessionRequest report;
  v1::Facts& facts = *AddFacts(report, running, 2);  // from the first that it knows no ack of
  facts.add_facts()->mutable_progress()->set_step(1);
  facts.add_facts()->mutable_final()->set_outcome(v1::OUTCOME_KIND_SUCCEEDED);
  worker->Send(report);
  worker->AwaitAck(running, 3);
  EXPECT_EQ(Count(GetSweep(sweep), v1::TRIAL_STATE_SUCCEEDED), 2U);
}

TEST_F(EdgeTest, AGapAfterARestartIsRefused) {
  (void)Submit(kSixTrials);
  std::uint64_t running = 0;
  {
    const auto worker = Worker();
    worker->Hello({});
    running = worker->AwaitStart().attempt();
    StopDaemon();
  }
  StartDaemon();
  const auto worker = Worker();
  worker->Hello({.held = {running}});
  (void)worker->AwaitWelcome();
  v1::SessionRequest report;
  AddFacts(report, running, 3)->add_facts()->mutable_progress()->set_step(1);
  worker->Send(report);
  const grpc::Status ended = worker->AwaitEnd();
  EXPECT_NE(ended.error_message().find("missing"), std::string::npos) << ended.error_message();
}

}  // namespace
}  // namespace fusor
