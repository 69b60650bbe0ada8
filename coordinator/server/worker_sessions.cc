#include "coordinator/server/worker_sessions.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "coordinator/server/grpc_edge.h"
#include "proto/session_convert.h"

namespace fusor {

namespace {
// A write that takes longer than this when the stream is to end: the peer is not there.
constexpr std::chrono::seconds kWriteStuck{5};
}  // namespace

class WorkerSessions::Stream final
    : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
      public std::enable_shared_from_this<WorkerSessions::Stream> {
 public:
  Stream(WorkerSessions& sessions, grpc::CallbackServerContext& context, SessionId id)
      : sessions_(sessions), context_(context), id_(id) {}

  void Open() {
    ++sessions_.stats_.sessions;
    (void)sessions_.loop_->Post(Event(StreamOpened{id_}), Admission::kAlways);
    StartRead(&incoming_);
  }

  void Send(std::vector<CoordinatorMessage> messages) {
    bool write = false;
    bool full = false;
    {
      const std::lock_guard lock(mu_);
      if (closing_) return;
      // It may come again.
      full = unsent_.size() + messages.size() > limits::kUnsentToWorkerMax;
      if (unsent_.empty()) {
        unsent_ = std::move(messages);
      } else {
        unsent_.insert(unsent_.end(), std::make_move_iterator(messages.begin()),
                       std::make_move_iterator(messages.end()));
      }
      if (!writing_) write = Bundle();
    }
    if (write) Write();
    if (full) End(ResourceExhausted("the worker does not read what it is sent"));
  }

  // Ends the stream behind what was sent before.
  void End(const Status& status) {
    bool finish = false;
    bool cancel = false;
    {
      const std::lock_guard lock(mu_);
      if (closing_) return;
      closing_ = true;
      status_ = ToGrpc(status);
      finish = !writing_;
      cancel = writing_ && std::chrono::steady_clock::now() - write_began_ > kWriteStuck;
    }
    if (cancel) context_.TryCancel();
    if (finish) Finish(status_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      End(Ok());
      return;
    }
    Result<std::vector<WorkerMessage>> messages = Parse();
    if (!messages.ok()) {
      spdlog::warn("event=session_garbage session={} error=\"{}\"", id_.value,
                   messages.status().message());
      ++sessions_.stats_.sessions_refused;
      End(messages.status());
      return;
    }
    if (!sessions_.loop_->Post(WorkerMessages{id_, std::move(*messages)}, Admission::kAlways)) {
      End(Unavailable("the coordinator is stopping"));
      return;
    }
    const bool paused =
        sessions_.loop_->PauseUntilDrained([self = shared_from_this()] { self->Read(); });
    if (!paused) Read();
  }

  void OnWriteDone(bool ok) override {
    bool write = false;
    bool finish = false;
    {
      const std::lock_guard lock(mu_);
      if (!ok) unsent_.clear();
      writing_ = false;
      write = Bundle();
      finish = !write && closing_;
    }
    if (write) Write();
    if (finish) Finish(status_);
  }

  void OnCancel() override { End(Unavailable("the stream was cut")); }

  void OnDone() override {
    --sessions_.stats_.sessions;
    (void)sessions_.loop_->Post(Event(StreamClosed{id_}), Admission::kAlways);
    sessions_.Remove(id_);  // may be the end of *this
  }

 private:
  Result<std::vector<WorkerMessage>> Parse() {
    using Traits = grpc::SerializationTraits<v1::SessionRequest>;
    if (!Traits::Deserialize(&incoming_, &request_).ok()) {
      return InvalidArgument("a message that is no SessionRequest");
    }
    return FromWire(request_);
  }

  // Under the lock: nothing may be started behind Finish.
  void Read() {
    const std::lock_guard lock(mu_);
    if (!closing_) StartRead(&incoming_);
  }

  // After Bundle, without the lock: response_ is this thread's until the write is done.
  void Write() {
    bool own = false;
    outgoing_.Clear();
    using Traits = grpc::SerializationTraits<v1::SessionResponse>;
    CHECK(Traits::Serialize(response_, &outgoing_, &own).ok());
    StartWrite(&outgoing_);
  }

  // Makes the next wire message of what is unsent. Requires mu_ and that no write is in flight.
  bool Bundle() {
    if (unsent_.empty()) return false;
    response_.Clear();
    std::size_t taken = 0;
    std::size_t bytes = 0;
    for (; taken < unsent_.size() && bytes < limits::kMessageBytesMax / 4; ++taken) {
      AppendTo(response_, unsent_[taken]);
      if (const auto* start = std::get_if<StartMessage>(&unsent_[taken])) {
        bytes += start->config.size() + 1024;
      }
    }
    unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(taken));
    writing_ = true;
    write_began_ = std::chrono::steady_clock::now();
    return true;
  }

  WorkerSessions& sessions_;
  grpc::CallbackServerContext& context_;
  const SessionId id_;
  grpc::ByteBuffer incoming_;  // gRPC's while a read is in flight
  grpc::ByteBuffer outgoing_;  // gRPC's while a write is in flight
  v1::SessionRequest request_;
  v1::SessionResponse response_;

  std::mutex mu_;
  std::vector<CoordinatorMessage> unsent_;  // guarded by mu_, as below
  bool writing_ = false;
  std::chrono::steady_clock::time_point write_began_;
  bool closing_ = false;  // Finish was called or will be when the write is done
  grpc::Status status_;   // written once, when closing_ becomes true
};

namespace {

// The answer to a stream without the token.
class Refused final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  explicit Refused(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

WorkerSessions::WorkerSessions(const Guard& guard, Stats& stats) : guard_(guard), stats_(stats) {}
WorkerSessions::~WorkerSessions() = default;

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* WorkerSessions::Session(
    grpc::CallbackServerContext* context) {
  const grpc::Status allowed = Authorize(guard_, *context);
  if (!allowed.ok()) return new Refused(allowed);
  std::shared_ptr<Stream> stream;
  {
    const std::lock_guard lock(mu_);
    if (closing_) {
      return new Refused({grpc::StatusCode::UNAVAILABLE, "the coordinator is stopping"});
    }
    if (streams_.size() >= limits::kWorkersMax) {
      return new Refused({grpc::StatusCode::RESOURCE_EXHAUSTED, "too many workers"});
    }
    const SessionId id{++last_};
    stream = std::make_shared<Stream>(*this, *context, id);
    streams_.emplace(id.value, stream);
  }
  stream->Open();
  return stream.get();
}

std::shared_ptr<WorkerSessions::Stream> WorkerSessions::Find(SessionId session) {
  const std::lock_guard lock(mu_);
  const auto found = streams_.find(session.value);
  return found == streams_.end() ? nullptr : found->second;
}

void WorkerSessions::Remove(SessionId session) {
  std::shared_ptr<Stream> last;
  const std::lock_guard lock(mu_);
  const auto found = streams_.find(session.value);
  if (found == streams_.end()) return;
  last = std::move(found->second);
  streams_.erase(found);
}

void WorkerSessions::ToWorker(SessionId session, std::vector<CoordinatorMessage> messages) {
  if (const std::shared_ptr<Stream> stream = Find(session)) stream->Send(std::move(messages));
}

void WorkerSessions::Close(SessionId session, const std::string& reason) {
  if (const std::shared_ptr<Stream> stream = Find(session)) {
    spdlog::info("event=session_closed session={} reason=\"{}\"", session.value, reason);
    stream->End(Unavailable(reason));
  }
}

void WorkerSessions::CloseAll() {
  std::vector<std::shared_ptr<Stream>> all;
  {
    const std::lock_guard lock(mu_);
    closing_ = true;
    for (const auto& [id, stream] : streams_) all.push_back(stream);
  }
  for (const std::shared_ptr<Stream>& stream : all) {
    stream->End(Unavailable("the coordinator is stopping"));
  }
}

}  // namespace fusor
