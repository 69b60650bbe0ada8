#include "tests/integration/fake_worker.h"

#include <chrono>

#include "tests/harness/wait.h"

namespace fusor::integration {

namespace {

void FillFinal(v1::Fact& fact) {
  fact.mutable_final()->set_outcome(v1::OUTCOME_KIND_SUCCEEDED);
  fact.mutable_final()->set_step(1);
}

}  // namespace

FakeWorker::FakeWorker(const std::string& address, const std::string& token) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  stub_ = v1::WorkerService::NewStub(
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
  context_.AddMetadata("authorization", "Bearer " + token);
  context_.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(3));
  stream_ = stub_->Session(&context_);
}

FakeWorker::~FakeWorker() {
  if (ended_) return;
  context_.TryCancel();
  (void)End();
}

void FakeWorker::Hello(const std::string& uid, std::uint32_t slots,
                       const std::vector<std::uint64_t>& held) {
  v1::SessionRequest request;
  v1::Hello& hello = *request.add_items()->mutable_hello();
  hello.set_protocol(1);
  v1::WorkerInfo& info = *hello.mutable_info();
  info.set_uid(uid);
  info.set_incarnation(1);
  info.set_name(uid);
  info.set_version("test");
  info.add_precisions("fp32");
  for (const std::uint64_t attempt : held) hello.add_held(attempt);
  for (std::uint32_t i = 0; i < slots; ++i) {
    v1::SlotInfo& slot = *info.add_slots();
    slot.set_index(i);
    slot.set_cpus(1);
    slot.set_memory_gib(4);
    slot.set_disk_gib(10);
  }
  Say(request);
}

void FakeWorker::Heartbeat(const std::vector<std::uint64_t>& held) {
  v1::SessionRequest request;
  v1::Heartbeat& beat = *request.add_items()->mutable_heartbeat();
  for (const std::uint64_t attempt : held) beat.add_held(attempt);
  Say(request);
}

void FakeWorker::SayPoints(std::uint64_t attempt, std::uint64_t first_number, int first_step,
                           int steps) {
  v1::SessionRequest request;
  v1::Facts& facts = *request.add_items()->mutable_facts();
  facts.set_attempt(attempt);
  facts.set_first_number(first_number);
  for (int i = 0; i < steps; ++i) {
    v1::MetricColumns& columns = *facts.add_facts()->mutable_metrics();
    columns.add_names("train/loss");
    columns.add_steps(first_step + i);
    columns.add_values(42);
    columns.set_time_ms(1'700'000'000'000);
  }
  Say(request);
}

void FakeWorker::SayFinal(std::uint64_t attempt, std::uint64_t number) {
  v1::SessionRequest request;
  v1::Facts& facts = *request.add_items()->mutable_facts();
  facts.set_attempt(attempt);
  facts.set_first_number(number);
  FillFinal(*facts.add_facts());
  Say(request);
}

v1::CoordinatorItem FakeWorker::Await(const std::function<bool(const v1::CoordinatorItem&)>& fits) {
  for (;;) {
    while (next_ < heard_.items_size()) {
      const v1::CoordinatorItem& item = heard_.items(next_++);
      if (fits(item)) return item;
    }
    next_ = 0;
    if (!stream_->Read(&heard_)) return {};
  }
}

v1::CoordinatorItem FakeWorker::AwaitKind(v1::CoordinatorItem::KindCase kind) {
  return Await([&](const v1::CoordinatorItem& item) { return item.kind_case() == kind; });
}

void FakeWorker::RunInstantTrials(std::uint64_t count) {
  std::uint64_t done = 0;
  double beat = 0;
  while (done < count && stream_->Read(&heard_)) {
    next_ = heard_.items_size();
    v1::SessionRequest request;
    if (harness::NowSeconds() - beat > 1) {
      beat = harness::NowSeconds();
      request.add_items()->mutable_heartbeat();
    }
    for (const v1::CoordinatorItem& item : heard_.items()) {
      if (item.has_ack()) ++done;
      if (!item.has_start()) continue;
      v1::Facts& facts = *request.add_items()->mutable_facts();
      facts.set_attempt(item.start().attempt());
      facts.set_first_number(1);
      FillFinal(*facts.add_facts());
    }
    if (request.items_size() > 0 && !Say(request)) return;
  }
}

grpc::Status FakeWorker::End() {
  ended_ = true;
  stream_->WritesDone();
  while (stream_->Read(&heard_)) {
  }
  return stream_->Finish();
}

}  // namespace fusor::integration
