#include "tests/unit/worker/link/fake_coordinator.h"

#include "proto/session_convert.h"

namespace fusor::agent {

class FakeCoordinator::Sessions final : public v1::WorkerService::Service {
 public:
  explicit Sessions(FakeCoordinator& owner) : owner_(owner) {}

  grpc::Status Session(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<v1::SessionResponse, v1::SessionRequest>* stream) override {
    ++owner_.streams_;
    {
      const std::lock_guard lock(owner_.mu_);
      const auto found = context->client_metadata().find("authorization");
      owner_.authorization_ = found == context->client_metadata().end()
                                  ? ""
                                  : std::string(found->second.data(), found->second.size());
    }
    std::size_t heard = 0;
    bool said = false;
    {
      std::unique_lock lock(owner_.mu_);
      owner_.changed_.wait(lock, [this] { return owner_.reading_; });
    }
    for (v1::SessionRequest request; stream->Read(&request);) {
      auto messages = FromWire(request);
      if (!messages.ok()) return {grpc::StatusCode::INVALID_ARGUMENT, messages.status().message()};
      heard += messages->size();
      v1::SessionResponse response;
      {
        const std::lock_guard lock(owner_.mu_);
        for (WorkerMessage& message : *messages) owner_.heard_.push_back(std::move(message));
        for (const CoordinatorMessage& message : owner_.say_) AppendTo(response, message);
      }
      if (owner_.garbage_.exchange(false)) response.add_items();  // an item of no kind
      if (!std::exchange(said, true) && response.items_size() > 0) stream->Write(response);
      if (heard >= owner_.end_after_) return {grpc::StatusCode::UNAVAILABLE, "enough"};
    }
    return grpc::Status::OK;
  }

 private:
  FakeCoordinator& owner_;
};

class FakeCoordinator::Files final : public v1::ArtifactService::Service {
 public:
  explicit Files(FakeCoordinator& owner) : owner_(owner) {}

  grpc::Status GetUpload(grpc::ServerContext*, const v1::GetUploadRequest* request,
                         v1::GetUploadResponse* response) override {
    const std::lock_guard lock(owner_.mu_);
    response->set_complete(owner_.stored_.contains(request->sha256()));
    const bool behind = owner_.behind_.exchange(false);
    response->set_offset(behind ? 0 : owner_.partial_[request->sha256()].size());
    return grpc::Status::OK;
  }

  grpc::Status Upload(grpc::ServerContext* context, grpc::ServerReader<v1::UploadRequest>* reader,
                      v1::UploadResponse* response) override {
    ++owner_.uploads_;
    std::string sha256;
    std::uint64_t bytes = 0;
    std::size_t left = owner_.break_after_.exchange(SIZE_MAX);
    for (v1::UploadRequest request; reader->Read(&request);) {
      while (owner_.stall_ && !context->IsCancelled()) std::this_thread::yield();
      const std::lock_guard lock(owner_.mu_);
      if (!request.sha256().empty()) {
        sha256 = request.sha256();
        bytes = request.bytes();
      }
      std::string& have = owner_.partial_[sha256];
      if (request.offset() != have.size()) {
        return {grpc::StatusCode::FAILED_PRECONDITION, "not the next byte"};
      }
      have += request.chunk();
      owner_.bytes_received_ += request.chunk().size();
      if (request.chunk().size() > left) return {grpc::StatusCode::UNAVAILABLE, "broken off"};
      left -= request.chunk().size();
    }
    const std::lock_guard lock(owner_.mu_);
    const std::string content = owner_.partial_[sha256];
    if (content.size() == bytes) owner_.stored_[sha256] = content;
    response->set_stored(content.size());
    return grpc::Status::OK;
  }

  grpc::Status Download(grpc::ServerContext*, const v1::DownloadRequest* request,
                        grpc::ServerWriter<v1::DownloadResponse>* writer) override {
    ++owner_.downloads_;
    std::string content;
    {
      const std::lock_guard lock(owner_.mu_);
      const auto found = owner_.stored_.find(request->sha256());
      if (found == owner_.stored_.end()) return {grpc::StatusCode::NOT_FOUND, "no such file"};
      content = found->second;
    }
    const std::size_t left = owner_.break_after_.exchange(SIZE_MAX);
    constexpr std::size_t kChunk = 1'000;
    for (std::size_t offset = request->offset(); offset < content.size(); offset += kChunk) {
      v1::DownloadResponse response;
      response.set_bytes(content.size());
      response.set_offset(offset);
      response.set_chunk(content.substr(offset, kChunk));
      owner_.bytes_sent_ += response.chunk().size();
      writer->Write(response);
      if (offset - request->offset() > left) return {grpc::StatusCode::UNAVAILABLE, "broken off"};
    }
    return grpc::Status::OK;
  }

 private:
  FakeCoordinator& owner_;
};

FakeCoordinator::FakeCoordinator()
    : sessions_(std::make_unique<Sessions>(*this)), files_(std::make_unique<Files>(*this)) {
  Start();
}

FakeCoordinator::~FakeCoordinator() { Stop(); }

void FakeCoordinator::Start() {
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address(), grpc::InsecureServerCredentials(), &port_);
  // By default a thread may sleep ten seconds before it sees that the server ends.
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::CQ_TIMEOUT_MSEC, 50);
  builder.RegisterService(sessions_.get());
  builder.RegisterService(files_.get());
  server_ = builder.BuildAndStart();
}

void FakeCoordinator::Stop() {
  if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
  server_.reset();
}

void FakeCoordinator::SayAtStart(std::vector<CoordinatorMessage> messages) {
  const std::lock_guard lock(mu_);
  say_ = std::move(messages);
}

void FakeCoordinator::StopReading() {
  const std::lock_guard lock(mu_);
  reading_ = false;
}

void FakeCoordinator::ReadAgain() {
  const std::lock_guard lock(mu_);
  reading_ = true;
  changed_.notify_all();
}

std::vector<WorkerMessage> FakeCoordinator::Heard() const {
  const std::lock_guard lock(mu_);
  return heard_;
}

std::string FakeCoordinator::last_authorization() const {
  const std::lock_guard lock(mu_);
  return authorization_;
}

std::string FakeCoordinator::Stored(const std::string& sha256) const {
  const std::lock_guard lock(mu_);
  const auto found = stored_.find(sha256);
  return found == stored_.end() ? "<nothing>" : found->second;
}

void FakeCoordinator::Store(const std::string& sha256, std::string content) {
  const std::lock_guard lock(mu_);
  stored_[sha256] = std::move(content);
}

}  // namespace fusor::agent
