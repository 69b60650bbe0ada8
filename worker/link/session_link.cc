#include "worker/link/session_link.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "common/base/random.h"
#include "fusor/v1/worker_service.grpc.pb.h"
#include "proto/session_convert.h"
#include "worker/link/grpc_status.h"

namespace fusor::agent {

namespace {

constexpr std::size_t kRequestBytes = 1 << 20;  // then the rest goes into the next message
constexpr Duration kFirstPause{100};
constexpr Duration kLongestPause{5'000};

}  // namespace

// One stream. One read and one write in flight; a hold keeps it alive while the loop may still
// write.
class SessionLink::Stream final
    : public grpc::ClientBidiReactor<v1::SessionRequest, v1::SessionResponse> {
 public:
  using Received = std::function<void(Result<std::vector<CoordinatorMessage>>)>;
  using Done = std::function<void(Status)>;

  Stream(const Channel& channel, Received received, Done done)
      : stub_(v1::WorkerService::NewStub(channel.grpc())),
        received_(std::move(received)),
        done_(std::move(done)) {
    channel.Authorize(context_);
  }

  // Its end may be told before this returns, so a shared_ptr must exist already.
  void Start() {
    stub_->async()->Session(&context_, this);
    AddHold();
    StartRead(&response_);
    StartCall();
  }

  void Send(std::vector<WorkerMessage> messages) {
    const std::lock_guard lock(mu_);
    if (!open_) return;
    for (WorkerMessage& message : messages) {
      auto& queue = std::holds_alternative<FactsMessage>(message) ? facts_ : control_;
      queue.push_back(std::move(message));
    }
    WriteNext();
  }

  void Cancel() {
    context_.TryCancel();
    const std::lock_guard lock(mu_);
    LetGo();
  }

  // Waits until everything is written, then half-closes.
  void Drain(Duration deadline) {
    std::unique_lock lock(mu_);
    changed_.wait_for(lock, deadline, [this] {
      return !open_ || (!writing_ && control_.empty() && facts_.empty());
    });
    if (open_) StartWritesDone();
    LetGo();
  }

  bool WaitDone(Duration deadline) {
    std::unique_lock lock(end_->mu);
    return end_->changed.wait_for(lock, deadline, [this] { return end_->told; });
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      const std::lock_guard lock(mu_);
      return LetGo();
    }
    Result<std::vector<CoordinatorMessage>> messages = FromWire(response_);
    const bool sense = messages.ok();
    received_(std::move(messages));
    if (!sense) return Cancel();
    response_.Clear();
    StartRead(&response_);
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mu_);
    writing_ = false;
    if (ok) {
      WriteNext();
    } else {
      LetGo();
    }
    changed_.notify_all();
  }

  void OnDone(const grpc::Status& status) override {
    { const std::lock_guard lock(mu_); }  // whoever let go is out
    const std::shared_ptr<End> end = end_;
    const Done done = std::move(done_);
    // From here on the stream is the loop's, which may drop it at once. Never may it be dropped
    // here: with the last channel its threads are joined, and this is one of them.
    done(FromGrpc(status));
    const std::lock_guard lock(end->mu);
    end->told = true;
    end->changed.notify_all();
  }

 private:
  // With mu_ held.
  void LetGo() {
    if (std::exchange(open_, false)) RemoveHold();
    changed_.notify_all();
  }

  // With mu_ held.
  void WriteNext() {
    if (writing_ || !open_ || (control_.empty() && facts_.empty())) return;
    request_.Clear();
    std::size_t bytes = 0;
    for (auto* queue : {&control_, &facts_}) {
      while (!queue->empty() && bytes < kRequestBytes) {
        AppendTo(request_, queue->front());
        queue->pop_front();
        bytes += request_.items(request_.items_size() - 1).ByteSizeLong();
      }
    }
    writing_ = true;
    StartWrite(&request_);
  }

  const std::unique_ptr<v1::WorkerService::Stub> stub_;
  const Received received_;
  Done done_;
  grpc::ClientContext context_;
  v1::SessionResponse response_;  // the reading callback's
  v1::SessionRequest request_;    // of the write in flight

  std::mutex mu_;
  std::condition_variable changed_;
  std::deque<WorkerMessage> control_;  // guarded by mu_, as are all below
  std::deque<WorkerMessage> facts_;
  bool writing_ = false;
  bool open_ = true;

  // Outlives the stream: the last to be told of its end.
  struct End {
    std::mutex mu;
    std::condition_variable changed;
    bool told = false;
  };
  const std::shared_ptr<End> end_ = std::make_shared<End>();
};

SessionLink::SessionLink(Loop& loop, const Channel& channel, Callbacks callbacks)
    : loop_(loop), channel_(channel), callbacks_(std::move(callbacks)) {}

SessionLink::~SessionLink() {
  *alive_ = false;
  loop_.Cancel(timer_);
  if (stream_ == nullptr) return;
  stream_->Cancel();
  // A canceled call ends; the bound is for a library that does not keep that.
  stream_->WaitDone(Duration(10'000));
}

void SessionLink::Open() {
  if (finished_ || stream_ != nullptr) return;
  const std::uint64_t number = ++streams_;
  const auto post = [this, alive = alive_](auto call) {
    loop_.Post([alive, call = std::move(call)]() mutable {
      if (*alive) call();
    });
  };
  // The stream lives until its end has been told, whoever has let go of it by then.
  auto self = std::make_shared<std::shared_ptr<Stream>>();
  stream_ = std::make_shared<Stream>(
      channel_,
      [this, post, number](Result<std::vector<CoordinatorMessage>> messages) {
        post([this, number, messages = std::move(messages)]() mutable {
          if (number != streams_ || stream_ == nullptr) return;
          if (!messages.ok()) return;  // its end follows
          failures_ = 0;
          callbacks_.received(std::move(*messages));
        });
      },
      [this, post, number, self](Status status) mutable {
        post([this, number, self = std::move(self), status = std::move(status)] {
          OnDown(number, status);
          self->reset();
        });
      });
  *self = stream_;
  stream_->Start();
  callbacks_.up();
}

void SessionLink::OnDown(std::uint64_t stream, const Status& why) {
  if (stream != streams_ || stream_ == nullptr) return;
  stream_.reset();
  callbacks_.down(why);
  const int doublings = std::min(failures_++, 10);
  const Duration pause = std::min(kFirstPause * (1 << doublings), kLongestPause);
  // Not all agents at the same moment.
  const auto jitter =
      static_cast<std::int64_t>(Mix(static_cast<std::uint64_t>(ToUnixMillis(loop_.Now())), stream) %
                                static_cast<std::uint64_t>(pause.count() / 4 + 1));
  OpenAfter(std::max(std::exchange(wait_, Duration(0)), pause + Duration(jitter)));
}

void SessionLink::OpenAfter(Duration wait) {
  if (finished_) return;
  timer_ = loop_.At(loop_.Now() + wait, [this] { Open(); });
}

void SessionLink::Send(std::vector<WorkerMessage> messages) {
  if (stream_ != nullptr && !messages.empty()) stream_->Send(std::move(messages));
}

void SessionLink::Close(Duration wait) {
  wait_ = wait;
  if (stream_ != nullptr) {
    stream_->Cancel();
  } else if (!finished_) {
    loop_.Cancel(timer_);
    OpenAfter(std::exchange(wait_, Duration(0)));
  }
}

void SessionLink::Finish(Duration deadline) {
  finished_ = true;
  loop_.Cancel(timer_);
  if (stream_ != nullptr) stream_->Drain(deadline);
}

}  // namespace fusor::agent
