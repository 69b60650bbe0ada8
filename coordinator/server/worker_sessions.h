#pragma once

// WorkerService: the streams of the agents. A wire message becomes one input of the loop; what a
// turn has to say to a worker goes out as one wire message. One read and one write are in flight
// per stream.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/session.h"
#include "coordinator/server/guard.h"
#include "coordinator/server/loop.h"
#include "coordinator/server/stats.h"
#include "fusor/v1/worker_service.grpc.pb.h"

namespace fusor {

// The streams carry bytes and are parsed here: gRPC shows a message that cannot be parsed as the
// end of the stream, which would be an orderly one.
using RawWorkerService =
    v1::WorkerService::WithRawCallbackMethod_Session<v1::WorkerService::Service>;

class WorkerSessions final : public RawWorkerService {
 public:
  WorkerSessions(const Guard& guard, Stats& stats);
  ~WorkerSessions() override;

  // Before the server starts; the loop and the sessions know one another.
  void Connect(Loop& loop) { loop_ = &loop; }

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Session(
      grpc::CallbackServerContext* context) override;

  // From the loop thread.
  void ToWorker(SessionId session, std::vector<CoordinatorMessage> messages);
  void Close(SessionId session, const std::string& reason);
  // The daemon stops: every stream ends.
  void CloseAll();

 private:
  class Stream;

  std::shared_ptr<Stream> Find(SessionId session);
  void Remove(SessionId session);

  const Guard& guard_;
  Stats& stats_;
  Loop* loop_ = nullptr;

  std::mutex mu_;
  std::uint64_t last_ = 0;  // guarded by mu_, as below
  bool closing_ = false;
  // Shared with gRPC, which calls a stream until its OnDone, and with the loop while it sends.
  std::unordered_map<std::uint64_t, std::shared_ptr<Stream>> streams_;
};

}  // namespace fusor
