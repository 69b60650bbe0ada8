#pragma once

// A daemon in this process on port 0 with a data directory of its own, its stubs, and workers that
// a test plays by hand.

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/base/limits.h"
#include "coordinator/server/daemon.h"
#include "fusor/v1/artifact_service.grpc.pb.h"
#include "fusor/v1/cluster_service.grpc.pb.h"
#include "fusor/v1/sweep_service.grpc.pb.h"
#include "fusor/v1/trial_service.grpc.pb.h"
#include "fusor/v1/worker_service.grpc.pb.h"

namespace fusor {

inline constexpr std::chrono::seconds kPatience{30};

// A client's context with the token and a deadline.
class Call : public grpc::ClientContext {
 public:
  explicit Call(const std::string& token) {
    if (!token.empty()) AddMetadata("authorization", "Bearer " + token);
    set_deadline(std::chrono::system_clock::now() + kPatience);
  }
};

// One worker's stream. Responses are collected by a thread; a test waits for what it expects.
class TestWorker {
 public:
  struct Options {
    std::string uid = "worker-1";
    std::uint64_t incarnation = 1;
    int slots = 1;
    std::vector<std::uint64_t> held;
    std::vector<std::string> precisions = {"fp32"};
  };
  TestWorker(const std::shared_ptr<grpc::Channel>& channel, const std::string& token);
  ~TestWorker();

  void Hello(const Options& options);
  void Send(const v1::SessionRequest& request);
  // Takes the next item that `wanted` accepts; items before it are dropped. Fails the test when
  // none comes.
  v1::CoordinatorItem Await(const std::function<bool(const v1::CoordinatorItem&)>& wanted);
  // Whether such an item is among those that came and were not taken.
  bool Has(const std::function<bool(const v1::CoordinatorItem&)>& wanted);
  v1::Welcome AwaitWelcome();
  v1::Start AwaitStart();
  void AwaitAck(std::uint64_t attempt, std::uint64_t number);
  // Ends the sending side and gives the stream's status.
  grpc::Status Finish();
  // Waits until the coordinator has ended the stream.
  grpc::Status AwaitEnd();

 private:
  void Read();

  Call context_;
  std::unique_ptr<v1::WorkerService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::SessionRequest, v1::SessionResponse>> stream_;
  std::thread thread_;
  bool joined_ = false;

  std::mutex mu_;
  std::condition_variable changed_;
  std::deque<v1::CoordinatorItem> items_;  // guarded by mu_, as below
  bool ended_ = false;
};

// Facts of one attempt, to be filled.
v1::Facts* AddFacts(v1::SessionRequest& request, std::uint64_t attempt, std::uint64_t first);
// A whole attempt that ends at once with this objective.
v1::SessionRequest InstantTrial(std::uint64_t attempt, double objective);

class DaemonTest : public testing::Test {
 protected:
  DaemonTest();
  ~DaemonTest() override;

  void StartDaemon();
  void StopDaemon() { daemon_.reset(); }
  std::shared_ptr<grpc::Channel> Connect() const;
  std::unique_ptr<TestWorker> Worker() const {
    return std::make_unique<TestWorker>(Connect(), token_);
  }
  // GET over HTTP: the status line's number and the body.
  std::pair<int, std::string> Get(const std::string& path, const std::string& authorization) const;

  // The sweep's number. Fails the test when the file is refused.
  std::uint64_t Submit(const std::string& source, const std::string& request_id = "");
  v1::Sweep GetSweep(std::uint64_t sweep);
  static std::uint64_t Count(const v1::Sweep& sweep, v1::TrialState state);
  // Runs the trials of the sweep that this worker gets until all are terminal; objective = cell
  // + 1.
  void RunAll(TestWorker& worker, std::uint64_t trials);

  std::filesystem::path directory_;
  ServeOptions options_;
  std::unique_ptr<Daemon> daemon_;
  std::string token_;
  std::unique_ptr<v1::SweepService::Stub> sweeps_;
  std::unique_ptr<v1::TrialService::Stub> trials_;
  std::unique_ptr<v1::ClusterService::Stub> cluster_;
  std::unique_ptr<v1::ArtifactService::Stub> artifacts_;
};

// Waits until it holds; false when it does not come about.
bool Becomes(const std::function<bool()>& holds);

// A sweep of 2 x 3 probe trials.
inline constexpr const char* kSixTrials = R"(name: six
stages:
  probe: {recipe: probe, axes: {steps: [10, 20]}}
seeds: [0, 1, 2]
objective: {metric: val/accuracy, goal: maximize}
)";

}  // namespace fusor
