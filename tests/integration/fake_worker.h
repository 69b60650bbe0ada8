#pragma once

// A worker that is only a stream: it says exactly what the test wants, and nothing else.

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proto/fusor/v1/worker_service.grpc.pb.h"

namespace fusor::integration {

class FakeWorker {
 public:
  FakeWorker(const std::string& address, const std::string& token);
  ~FakeWorker();  // cuts the stream

  // A greeting as `uid`, with as many slots of one core.
  void Hello(const std::string& uid, std::uint32_t slots, const std::vector<std::uint64_t>& held);
  void Heartbeat(const std::vector<std::uint64_t>& held);
  // A point of train/loss for each step, as facts from `first_number` on.
  void SayPoints(std::uint64_t attempt, std::uint64_t first_number, int first_step, int steps);
  void SayFinal(std::uint64_t attempt, std::uint64_t number);
  // False when the stream has ended.
  bool Say(const v1::SessionRequest& request) { return stream_->Write(request); }

  // Reads until an item fits, and gives that item; an empty one when the stream ended before.
  v1::CoordinatorItem Await(const std::function<bool(const v1::CoordinatorItem&)>& fits);
  v1::CoordinatorItem AwaitKind(v1::CoordinatorItem::KindCase kind);
  // Runs what it is granted, each trial at once, until so many have been acknowledged.
  void RunInstantTrials(std::uint64_t count);
  // The stream's status, once it has ended.
  grpc::Status End();

 private:
  grpc::ClientContext context_;
  std::unique_ptr<v1::WorkerService::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::SessionRequest, v1::SessionResponse>> stream_;
  v1::SessionResponse heard_;
  int next_ = 0;  // of heard_
  bool ended_ = false;
};

}  // namespace fusor::integration
