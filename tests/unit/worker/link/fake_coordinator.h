#pragma once

// A gRPC server that says what a test tells it to say, and keeps what it hears.

#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "common/base/session.h"
#include "fusor/v1/artifact_service.grpc.pb.h"
#include "fusor/v1/worker_service.grpc.pb.h"

namespace fusor::agent {

class FakeCoordinator {
 public:
  FakeCoordinator();
  ~FakeCoordinator();

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // Ends every stream and stops listening; Start listens again on the same port.
  void Stop();
  void Start();

  // --- Sessions. Messages are said when a stream has heard its first one.
  void SayAtStart(std::vector<CoordinatorMessage> messages);
  // Streams are accepted, but nothing is read from them until ReadAgain.
  void StopReading();
  void ReadAgain();
  void SayGarbage() { garbage_ = true; }
  void EndStreamAfter(std::size_t messages) { end_after_ = messages; }
  std::vector<WorkerMessage> Heard() const;
  int streams() const { return streams_; }
  std::string last_authorization() const;

  // --- Files.
  std::string Stored(const std::string& sha256) const;
  void Store(const std::string& sha256, std::string content);
  // Breaks the next upload or download off after about so many bytes.
  void BreakAfter(std::size_t bytes) { break_after_ = bytes; }
  // The next question how much of a file is here is answered before another call brings some of it.
  void AnswerBeforeAnotherCall() { behind_ = true; }
  // Uploads wait until they are canceled.
  void StallUploads() { stall_ = true; }
  int uploads() const { return uploads_; }
  int downloads() const { return downloads_; }
  std::uint64_t bytes_received() const { return bytes_received_; }
  std::uint64_t bytes_sent() const { return bytes_sent_; }

 private:
  class Sessions;
  class Files;

  mutable std::mutex mu_;
  std::condition_variable changed_;
  bool reading_ = true;
  std::vector<CoordinatorMessage> say_;
  std::vector<WorkerMessage> heard_;
  std::string authorization_;
  std::map<std::string, std::string> stored_;
  std::map<std::string, std::string> partial_;
  std::atomic<bool> garbage_{false};
  std::atomic<bool> stall_{false};
  std::atomic<bool> behind_{false};
  std::atomic<std::size_t> end_after_{SIZE_MAX};
  std::atomic<std::size_t> break_after_{SIZE_MAX};
  std::atomic<int> streams_{0};
  std::atomic<int> uploads_{0};
  std::atomic<int> downloads_{0};
  std::atomic<std::uint64_t> bytes_received_{0};
  std::atomic<std::uint64_t> bytes_sent_{0};

  std::unique_ptr<Sessions> sessions_;
  std::unique_ptr<Files> files_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace fusor::agent
