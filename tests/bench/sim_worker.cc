#include "tests/bench/sim_worker.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "proto/fusor/v1/worker_service.grpc.pb.h"
#include "tests/harness/wait.h"

namespace fusor::bench {

using harness::NowSeconds;

struct SimWorkers::Shared {
  SimWorkerOptions options;
  SimWorkerCounts counts;
};

// One worker: one read and one write in flight; what has to be said meanwhile is bundled.
class SimWorkers::Connection
    : public grpc::ClientBidiReactor<v1::SessionRequest, v1::SessionResponse> {
 public:
  Connection(Shared& shared, int index, const std::vector<std::uint64_t>& held)
      : shared_(shared), index_(index) {
    for (const std::uint64_t attempt : held) senders_[attempt];
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channel_ = grpc::CreateCustomChannel(shared.options.address, grpc::InsecureChannelCredentials(),
                                         arguments);
    stub_ = v1::WorkerService::NewStub(channel_);
    context_.AddMetadata("authorization", "Bearer " + shared.options.token);
    SayHello();
    stub_->async()->Session(&context_, this);
    {
      const std::lock_guard lock(mu_);
      Flush();
    }
    StartRead(&incoming_);
    AddHold();
    StartCall();
  }

  void Heartbeat() {
    const std::lock_guard lock(mu_);
    v1::Heartbeat& beat = *outgoing_.add_items()->mutable_heartbeat();
    beat.set_sequence(++beats_);
    for (const auto& [attempt, sender] : senders_) beat.add_held(attempt);
    for (const auto& [attempt, number] : ending_) beat.add_held(attempt);
    Flush();
  }

  int index() const { return index_; }
  std::vector<std::uint64_t> Held() {
    const std::lock_guard lock(mu_);
    std::vector<std::uint64_t> held;
    for (const auto& [attempt, sender] : senders_) held.push_back(attempt);
    return held;
  }

  void Stop() {
    stopping_ = true;
    context_.TryCancel();
    RemoveHold();
    std::unique_lock lock(mu_);
    ended_.wait(lock, [this] { return done_; });
  }

 private:
  struct Sender {
    std::uint64_t next_fact = 1;
    std::uint64_t points_left = 0;
    std::uint64_t step = 0;
    std::size_t facts_unacknowledged = 0;
  };

  void OnReadDone(bool ok) override {
    if (!ok) return;
    {
      const std::lock_guard lock(mu_);
      for (const v1::CoordinatorItem& item : incoming_.items()) On(item);
      Flush();
    }
    StartRead(&incoming_);
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mu_);
    writing_ = false;
    if (ok) Flush();
  }

  void OnDone(const grpc::Status&) override {
    if (!stopping_) ++shared_.counts.broken;
    const std::lock_guard lock(mu_);
    done_ = true;
    ended_.notify_all();
  }

  // Requires mu_.
  void Flush() {
    if (writing_ || outgoing_.items_size() == 0) return;
    writing_ = true;
    in_flight_.Clear();
    in_flight_.Swap(&outgoing_);
    StartWrite(&in_flight_);
  }

  void SayHello() {
    v1::Hello& hello = *outgoing_.add_items()->mutable_hello();
    hello.set_protocol(1);
    v1::WorkerInfo& info = *hello.mutable_info();
    info.set_uid("bench-" + std::to_string(index_));
    info.set_incarnation(1);
    for (const auto& [attempt, sender] : senders_) hello.add_held(attempt);
    info.set_name("b" + std::to_string(index_));
    info.set_version("bench");
    info.add_precisions("fp32");
    if (!shared_.options.label.empty()) {
      (*info.mutable_labels())["pool"] = shared_.options.label;
    }
    for (int i = 0; i < shared_.options.slots; ++i) {
      v1::SlotInfo& slot = *info.add_slots();
      slot.set_index(static_cast<std::uint32_t>(i));
      slot.set_cpus(1);
      slot.set_memory_gib(4);
      slot.set_disk_gib(10);
    }
  }

  void On(const v1::CoordinatorItem& item) {
    if (item.has_welcome()) {
      ++shared_.counts.welcomed;
    } else if (item.has_start()) {
      OnStart(item.start());
    } else if (item.has_ack()) {
      OnAck(item.ack());
    }
  }

  void OnStart(const v1::Start& start) {
    ++shared_.counts.started;
    shared_.counts.last_start_seconds = NowSeconds();
    switch (shared_.options.trial) {
      case SimWorkerOptions::Trial::kInstant:
        SayFinal(start.attempt(), 1);
        break;
      case SimWorkerOptions::Trial::kMetrics: {
        Sender& sender = senders_[start.attempt()];
        sender.points_left = shared_.options.points_per_trial;
        SayPoints(start.attempt(), sender);
        break;
      }
      case SimWorkerOptions::Trial::kHeld:
        senders_[start.attempt()];
        break;
    }
  }

  void SayFinal(std::uint64_t attempt, std::uint64_t first_number) {
    v1::Facts& facts = *outgoing_.add_items()->mutable_facts();
    facts.set_attempt(attempt);
    facts.set_first_number(first_number);
    v1::Evaluation& evaluation = *facts.add_facts()->mutable_evaluation();
    evaluation.set_step(1);
    (*evaluation.mutable_values())["val/accuracy"] = 0.5;
    v1::Final& final = *facts.add_facts()->mutable_final();
    final.set_outcome(v1::OUTCOME_KIND_SUCCEEDED);
    final.set_step(1);
    ending_[attempt] = first_number + 1;
  }

  // Keeps about 1 MiB unacknowledged, as an agent may.
  void SayPoints(std::uint64_t attempt, Sender& sender) {
    const SimWorkerOptions& options = shared_.options;
    const std::uint64_t per_fact = static_cast<std::uint64_t>(options.names) *
                                   static_cast<std::uint64_t>(options.steps_per_fact);
    const std::size_t window = std::max<std::size_t>(1, (1 << 20) / (per_fact * 9));
    if (sender.points_left == 0 || sender.facts_unacknowledged >= window) return;
    v1::Facts& facts = *outgoing_.add_items()->mutable_facts();
    facts.set_attempt(attempt);
    facts.set_first_number(sender.next_fact);
    while (sender.points_left > 0 && sender.facts_unacknowledged < window) {
      v1::MetricColumns& columns = *facts.add_facts()->mutable_metrics();
      columns.set_time_ms(1'700'000'000'000);
      for (int i = 0; i < options.names; ++i) columns.add_names("train/metric" + std::to_string(i));
      for (int i = 0; i < options.steps_per_fact; ++i) {
        columns.add_steps(static_cast<std::int64_t>(sender.step++));
      }
      columns.mutable_values()->Reserve(static_cast<int>(per_fact));
      for (std::uint64_t i = 0; i < per_fact; ++i) {
        columns.mutable_values()->AddAlreadyReserved(static_cast<double>(i) * 0.001);
      }
      sender.points_left -= std::min(sender.points_left, per_fact);
      ++sender.next_fact;
      ++sender.facts_unacknowledged;
    }
  }

  void OnAck(const v1::Ack& ack) {
    const auto ending = ending_.find(ack.attempt());
    if (ending != ending_.end() && ack.number() >= ending->second) {
      ending_.erase(ending);
      ++shared_.counts.finished;
      return;
    }
    const auto found = senders_.find(ack.attempt());
    if (found == senders_.end()) return;
    Sender& sender = found->second;
    const std::size_t unacknowledged =
        static_cast<std::size_t>(sender.next_fact - 1 - ack.number());
    const std::size_t newly = sender.facts_unacknowledged - unacknowledged;
    sender.facts_unacknowledged = unacknowledged;
    shared_.counts.points_acknowledged +=
        newly * static_cast<std::uint64_t>(shared_.options.names * shared_.options.steps_per_fact);
    if (sender.points_left == 0 && unacknowledged == 0) {
      SayFinal(ack.attempt(), sender.next_fact);
      senders_.erase(found);
      return;
    }
    SayPoints(ack.attempt(), sender);
  }

  Shared& shared_;
  const int index_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::WorkerService::Stub> stub_;
  grpc::ClientContext context_;
  v1::SessionResponse incoming_;
  std::atomic<bool> stopping_{false};

  std::mutex mu_;
  std::condition_variable ended_;
  bool done_ = false;
  bool writing_ = false;
  std::uint64_t beats_ = 0;
  v1::SessionRequest outgoing_;
  v1::SessionRequest in_flight_;
  std::map<std::uint64_t, Sender> senders_;
  std::map<std::uint64_t, std::uint64_t> ending_;  // attempt -> number of its final fact
};

SimWorkers::SimWorkers(SimWorkerOptions options) : shared_(std::make_unique<Shared>()) {
  shared_->options = std::move(options);
  for (int i = 0; i < shared_->options.connections; ++i) {
    connections_.push_back(std::make_unique<Connection>(*shared_, shared_->options.first_index + i,
                                                        std::vector<std::uint64_t>{}));
  }
}

SimWorkers::~SimWorkers() {
  for (const auto& connection : connections_) connection->Stop();
}

void SimWorkers::Reconnect(const std::string& address) {
  shared_->options.address = address;
  for (auto& connection : connections_) {
    const int index = connection->index();
    const std::vector<std::uint64_t> held = connection->Held();
    connection->Stop();
    connection = std::make_unique<Connection>(*shared_, index, held);
  }
}

const SimWorkerCounts& SimWorkers::counts() const { return shared_->counts; }

bool SimWorkers::WaitUntil(const std::function<bool(const SimWorkerCounts&)>& holds,
                           double seconds) const {
  const double begin = NowSeconds();
  double next_beat = begin + 3;
  while (!holds(shared_->counts)) {
    const double now = NowSeconds();
    if (now - begin > seconds) return false;
    if (now >= next_beat) {
      for (const auto& connection : connections_) connection->Heartbeat();
      next_beat = now + 3;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return true;
}

}  // namespace fusor::bench
