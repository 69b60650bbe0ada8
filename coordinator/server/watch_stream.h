#pragma once

// The gRPC half of a watcher: a server stream with one write in flight, fed by the hub.

#include <grpcpp/support/server_callback.h>

#include <memory>
#include <mutex>
#include <utility>

#include "coordinator/server/grpc_edge.h"
#include "coordinator/server/watch_hub.h"

namespace fusor {

// What a source of messages has to say.
enum class WatchNews { kNothing, kMessage, kLast, kEnd };  // kLast: a message, then the end

template <class Response>
class WatchSource {
 public:
  virtual ~WatchSource() = default;
  // Fills the cleared response. On the hub's thread; an error ends the stream with it.
  virtual Result<WatchNews> Next(const WatchRound& round, Response& response) = 0;
};

template <class Response>
class WatchStream final : public grpc::ServerWriteReactor<Response>,
                          public Watcher,
                          public std::enable_shared_from_this<WatchStream<Response>> {
 public:
  using Source = std::unique_ptr<WatchSource<Response>>;

  // Lives until gRPC is done with it.
  static grpc::ServerWriteReactor<Response>* Open(WatchHub& hub, Source source) {
    const auto stream = std::make_shared<WatchStream>(hub, std::move(source));
    stream->self_ = stream;
    if (!hub.Add(stream)) stream->End(ResourceExhausted("too many watchers"));
    return stream.get();
  }
  static grpc::ServerWriteReactor<Response>* Refuse(WatchHub& hub, const grpc::Status& status) {
    const auto stream = std::make_shared<WatchStream>(hub, nullptr);
    stream->self_ = stream;
    stream->FinishOnce(status);
    return stream.get();
  }

  WatchStream(WatchHub& hub, Source source) : hub_(hub), source_(std::move(source)) {}

  void Advance(const WatchRound& round) override {
    {
      const std::lock_guard lock(mu_);
      if (writing_ || finished_) return;
      writing_ = true;  // keeps Finish away while the message is made
    }
    response_.Clear();
    const Result<WatchNews> news = source_->Next(round, response_);
    const WatchNews what = news.ok() ? *news : WatchNews::kEnd;
    if (what == WatchNews::kLast || what == WatchNews::kEnd) FinishOnce(ToGrpc(news.status()));
    if (what == WatchNews::kMessage || what == WatchNews::kLast) {
      this->StartWrite(&response_);
    } else {
      Written();
    }
  }

  void End(const Status& status) override { FinishOnce(ToGrpc(status)); }

  void OnWriteDone(bool ok) override {
    Written();
    if (ok) hub_.Again(this->shared_from_this());
  }
  void OnCancel() override { FinishOnce(grpc::Status::CANCELLED); }
  void OnDone() override {
    const std::shared_ptr<WatchStream> self = std::move(self_);
    hub_.Remove(self);
  }

 private:
  // Now, or when the write in flight is done.
  void FinishOnce(const grpc::Status& status) {
    {
      const std::lock_guard lock(mu_);
      if (std::exchange(finished_, true)) return;
      status_ = status;
      if (writing_) return;
    }
    this->Finish(status_);
  }

  void Written() {
    {
      const std::lock_guard lock(mu_);
      writing_ = false;
      if (!finished_) return;
    }
    this->Finish(status_);
  }

  WatchHub& hub_;
  const Source source_;
  std::shared_ptr<WatchStream> self_;  // gRPC's share, until OnDone
  Response response_;                  // gRPC's while a write is in flight

  std::mutex mu_;
  bool writing_ = false;  // guarded by mu_, as below
  bool finished_ = false;
  grpc::Status status_;  // written once, when finished_ becomes true
};

}  // namespace fusor
