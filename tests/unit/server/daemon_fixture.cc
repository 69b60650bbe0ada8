#include "tests/unit/server/daemon_fixture.h"

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "coordinator/server/files.h"
#include "tests/harness/wait.h"

namespace fusor {

TestWorker::TestWorker(const std::shared_ptr<grpc::Channel>& channel, const std::string& token)
    : context_(token), stub_(v1::WorkerService::NewStub(channel)) {
  stream_ = stub_->Session(&context_);
  thread_ = std::thread([this] { Read(); });
}

TestWorker::~TestWorker() {
  context_.TryCancel();
  if (!joined_) (void)AwaitEnd();
}

void TestWorker::Read() {
  v1::SessionResponse response;
  while (stream_->Read(&response)) {
    const std::lock_guard lock(mu_);
    for (const v1::CoordinatorItem& item : response.items()) items_.push_back(item);
    changed_.notify_all();
  }
  const std::lock_guard lock(mu_);
  ended_ = true;
  changed_.notify_all();
}

void TestWorker::Send(const v1::SessionRequest& request) { (void)stream_->Write(request); }

void TestWorker::Hello(const Options& options) {
  v1::SessionRequest request;
  v1::Hello& hello = *request.add_items()->mutable_hello();
  hello.set_protocol(1);
  for (const std::uint64_t held : options.held) hello.add_held(held);
  v1::WorkerInfo& info = *hello.mutable_info();
  info.set_uid(options.uid);
  info.set_incarnation(options.incarnation);
  info.set_name("host-" + options.uid);
  info.set_version("test");
  for (const std::string& precision : options.precisions) info.add_precisions(precision);
  for (int i = 0; i < options.slots; ++i) {
    v1::SlotInfo& slot = *info.add_slots();
    slot.set_index(static_cast<std::uint32_t>(i));
    slot.set_cpus(1);
    slot.set_memory_gib(4);
    slot.set_disk_gib(10);
  }
  Send(request);
}

v1::CoordinatorItem TestWorker::Await(
    const std::function<bool(const v1::CoordinatorItem&)>& wanted) {
  std::unique_lock lock(mu_);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    while (!items_.empty()) {
      v1::CoordinatorItem item = std::move(items_.front());
      items_.pop_front();
      if (wanted(item)) return item;
    }
    if (ended_ || changed_.wait_until(lock, deadline) == std::cv_status::timeout) {
      ADD_FAILURE() << (ended_ ? "the stream ended" : "nothing came in time");
      return {};
    }
  }
}

bool TestWorker::Has(const std::function<bool(const v1::CoordinatorItem&)>& wanted) {
  const std::lock_guard lock(mu_);
  return std::any_of(items_.begin(), items_.end(), wanted);
}

v1::Welcome TestWorker::AwaitWelcome() {
  return Await([](const v1::CoordinatorItem& item) { return item.has_welcome(); }).welcome();
}

v1::Start TestWorker::AwaitStart() {
  return Await([](const v1::CoordinatorItem& item) { return item.has_start(); }).start();
}

void TestWorker::AwaitAck(std::uint64_t attempt, std::uint64_t number) {
  (void)Await([&](const v1::CoordinatorItem& item) {
    return item.has_ack() && item.ack().attempt() == attempt && item.ack().number() >= number;
  });
}

grpc::Status TestWorker::Finish() {
  (void)stream_->WritesDone();
  return AwaitEnd();
}

grpc::Status TestWorker::AwaitEnd() {
  joined_ = true;
  thread_.join();
  return stream_->Finish();
}

v1::Facts* AddFacts(v1::SessionRequest& request, std::uint64_t attempt, std::uint64_t first) {
  v1::Facts* facts = request.add_items()->mutable_facts();
  facts->set_attempt(attempt);
  facts->set_first_number(first);
  return facts;
}

v1::SessionRequest InstantTrial(std::uint64_t attempt, double objective) {
  v1::SessionRequest request;
  v1::Facts& facts = *AddFacts(request, attempt, 1);
  v1::Started& started = *facts.add_facts()->mutable_started();
  started.set_resumed_from_step(-1);
  started.set_bit_exact(true);
  v1::Evaluation& evaluation = *facts.add_facts()->mutable_evaluation();
  evaluation.set_step(10);
  (*evaluation.mutable_values())["val/accuracy"] = objective;
  v1::Final& final_fact = *facts.add_facts()->mutable_final();
  final_fact.set_outcome(v1::OUTCOME_KIND_SUCCEEDED);
  final_fact.set_step(10);
  final_fact.set_running_ms(1500);
  return request;
}

bool Becomes(const std::function<bool()>& holds) {
  return harness::WaitUntil(holds, static_cast<double>(kPatience.count()));
}

DaemonTest::DaemonTest() {
  std::string name = (std::filesystem::temp_directory_path() / "fusor_XXXXXX").string();
  directory_ = ::mkdtemp(name.data());
  options_.data = directory_ / "data";
  options_.listen = {"127.0.0.1", 0};
  options_.http = {"127.0.0.1", 0};
  options_.watchers_max = 64;  // a sanitizer takes minutes for as many as there are by default
}

DaemonTest::~DaemonTest() {
  daemon_.reset();
  std::filesystem::remove_all(directory_);
}

void DaemonTest::StartDaemon() {
  Result<std::unique_ptr<Daemon>> daemon = Daemon::Start(options_);
  ASSERT_TRUE(daemon.ok()) << daemon.status().ToString();
  daemon_ = std::move(*daemon);
  Result<std::string> token = ReadSmallFile(options_.data / "token", 1000);
  ASSERT_TRUE(token.ok());
  token_ = token->substr(0, token->find('\n'));
  const std::shared_ptr<grpc::Channel> channel = Connect();
  sweeps_ = v1::SweepService::NewStub(channel);
  trials_ = v1::TrialService::NewStub(channel);
  cluster_ = v1::ClusterService::NewStub(channel);
  artifacts_ = v1::ArtifactService::NewStub(channel);
}

std::shared_ptr<grpc::Channel> DaemonTest::Connect() const {
  grpc::ChannelArguments arguments;
  // Connections of their own, so that what one does to its connection is its own affair.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(daemon_->endpoint().grpc, grpc::InsecureChannelCredentials(),
                                   arguments);
}

std::pair<int, std::string> DaemonTest::Get(const std::string& path,
                                            const std::string& authorization) const {
  namespace asio = boost::asio;
  const std::string& http = daemon_->endpoint().http;
  const std::size_t colon = http.rfind(':');
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  socket.connect({asio::ip::make_address(http.substr(0, colon)),
                  static_cast<std::uint16_t>(std::stoi(http.substr(colon + 1)))});
  std::string request = "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
  if (!authorization.empty()) request += "Authorization: " + authorization + "\r\n";
  asio::write(socket, asio::buffer(request + "\r\n"));
  std::string reply;
  boost::system::error_code error;
  asio::read(socket, asio::dynamic_buffer(reply), error);
  const std::size_t body = reply.find("\r\n\r\n");
  if (reply.size() < 12 || body == std::string::npos) return {0, reply};
  return {std::stoi(reply.substr(9, 3)), reply.substr(body + 4)};
}

std::uint64_t DaemonTest::Submit(const std::string& source, const std::string& request_id) {
  Call call(token_);
  v1::SubmitRequest request;
  v1::SubmitResponse response;
  request.set_source(source);
  request.set_request_id(request_id);
  const grpc::Status status = sweeps_->Submit(&call, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.problems_size(), 0)
      << (response.problems_size() > 0 ? response.problems(0).message() : "");
  return response.sweep();
}

v1::Sweep DaemonTest::GetSweep(std::uint64_t sweep) {
  Call call(token_);
  v1::GetSweepRequest request;
  v1::GetSweepResponse response;
  request.set_sweep(sweep);
  const grpc::Status status = sweeps_->Get(&call, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.sweep();
}

std::uint64_t DaemonTest::Count(const v1::Sweep& sweep, v1::TrialState state) {
  for (const v1::StateCount& each : sweep.counts()) {
    if (each.state() == state) return each.count();
  }
  return 0;
}

void DaemonTest::RunAll(TestWorker& worker, std::uint64_t trials) {
  for (std::uint64_t i = 0; i < trials; ++i) {
    const v1::Start start = worker.AwaitStart();
    const std::string cell = start.trial().substr(start.trial().rfind('.') + 1);
    ASSERT_FALSE(cell.empty());
    worker.Send(InstantTrial(start.attempt(), std::stod(cell) + 1));
    if (i + 1 == trials) worker.AwaitAck(start.attempt(), 3);
  }
}

}  // namespace fusor
