#include "coordinator/server/artifact_streams.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "common/base/limits.h"
#include "coordinator/server/grpc_edge.h"
#include "coordinator/server/handoff.h"

namespace fusor {

namespace {

Status Busy() { return ResourceExhausted("too many calls at once; try again"); }
Status Stopping() { return Unavailable("the coordinator is stopping"); }

// One client stream of chunks. Exactly one of these is under way at any time: a read, or a step on
// a reader thread; Finish comes at the end of either, so it comes once.
class UploadStream final : public grpc::ServerReadReactor<v1::UploadRequest> {
 public:
  UploadStream(const Edge& edge, const grpc::Status& allowed, v1::UploadResponse& response)
      : edge_(edge), response_(response) {
    if (allowed.ok()) {
      StartRead(&request_);
    } else {
      Finish(allowed);
    }
  }

  void OnReadDone(bool ok) override {
    handoff_.Take();
    const bool posted = edge_.threads->Post([this, ok](ReadThreads::Fate fate) {
      const Status status = fate == ReadThreads::Fate::kRun ? Step(ok) : Stopping();
      if (status.ok() && ok && !complete_) {
        handoff_.Give();
        StartRead(&request_);
      } else {
        End(status);
      }
    });
    if (!posted) End(Busy());
  }

  void OnDone() override { delete this; }

 private:
  // A chunk, or the end of the stream.
  Status Step(bool chunk) {
    if (!chunk) return upload_ ? Complete() : InvalidArgument("an upload begins with its sha256");
    if (!begun_) {
      RETURN_IF_ERROR(Begin());
      if (complete_) return Ok();
    }
    if (request_.chunk().empty()) return Ok();
    if (request_.chunk().size() > limits::kArtifactChunkBytes) {
      return ResourceExhausted("a chunk has at most " +
                               std::to_string(limits::kArtifactChunkBytes) + " bytes");
    }
    return upload_->Append(request_.offset(), request_.chunk());
  }

  Status Begin() {
    if (request_.bytes() > limits::kArtifactBytesMax) {
      return ResourceExhausted("the file is larger than this coordinator takes");
    }
    begun_ = true;
    bytes_ = request_.bytes();
    auto upload = edge_.artifacts->Begin(request_.sha256(), request_.bytes());
    if (upload.status().code() == Code::kAlreadyExists) {
      complete_ = true;
      return Ok();
    }
    if (!upload.ok()) return upload.status();
    upload_ = std::move(*upload);
    return Ok();
  }

  // A stream that ends early leaves what it brought for the next one.
  Status Complete() {
    if (upload_->offset() < bytes_) {
      return FailedPrecondition("the upload ended at byte " + std::to_string(upload_->offset()) +
                                " of " + std::to_string(bytes_) + "; go on from there");
    }
    RETURN_IF_ERROR(upload_->Finish());
    complete_ = true;
    return Ok();
  }

  void End(const Status& status) {
    upload_.reset();
    if (complete_) response_.set_stored(bytes_);
    Finish(ToGrpc(status));
  }

  const Edge& edge_;
  v1::UploadResponse& response_;
  v1::UploadRequest request_;
  std::unique_ptr<Upload> upload_;
  std::uint64_t bytes_ = 0;
  bool begun_ = false;
  bool complete_ = false;
  Handoff handoff_;  // from a reading thread through gRPC to the next one
};

class DownloadStream final : public grpc::ServerWriteReactor<v1::DownloadResponse> {
 public:
  DownloadStream(const Edge& edge, const grpc::Status& allowed, const v1::DownloadRequest& request)
      : edge_(edge), request_(request), offset_(request.offset()) {
    if (allowed.ok()) {
      Next();
    } else {
      Finish(allowed);
    }
  }

  void OnWriteDone(bool ok) override {
    handoff_.Take();
    if (!ok) {
      Finish(grpc::Status::CANCELLED);
    } else if (sent_first_ && offset_ >= content_->bytes) {
      Finish(grpc::Status::OK);
    } else {
      Next();
    }
  }

  void OnDone() override { delete this; }

 private:
  void Next() {
    const bool posted = edge_.threads->Post([this](ReadThreads::Fate fate) {
      const Status status = fate == ReadThreads::Fate::kRun ? Step() : Stopping();
      if (status.ok()) {
        handoff_.Give();
        StartWrite(&response_);
      } else {
        Finish(ToGrpc(status));
      }
    });
    if (!posted) Finish(ToGrpc(Busy()));
  }

  Status Step() {
    if (!content_) RETURN_IF_ERROR(Open());
    response_.Clear();
    if (!std::exchange(sent_first_, true)) response_.set_bytes(content_->bytes);
    response_.set_offset(offset_);
    const std::uint64_t left = content_->bytes - offset_;
    std::string& chunk = *response_.mutable_chunk();
    chunk.resize(std::min<std::uint64_t>(left, limits::kArtifactChunkBytes));
    if (chunk.empty()) return Ok();
    const Result<std::size_t> got = content_->file.ReadAt(offset_, {chunk.data(), chunk.size()});
    if (!got.ok()) return got.status();
    if (*got == 0) return DataLoss("the stored file is shorter than it was");
    chunk.resize(*got);
    offset_ += *got;
    return Ok();
  }

  Status Open() {
    std::string sha256 = request_.sha256();
    if (request_.artifact() != 0) {
      const auto row = edge_.readers->state->FindArtifact({request_.artifact()});
      if (!row.ok()) return row.status();
      if (!*row) return NotFound("no artifact " + std::to_string(request_.artifact()));
      sha256 = (*row)->file.sha256;
    }
    Result<ArtifactStore::Content> content = edge_.artifacts->Read(sha256);
    if (!content.ok()) return content.status();
    if (offset_ > content->bytes) {
      return InvalidArgument("offset " + std::to_string(offset_) + " is behind the file's end at " +
                             std::to_string(content->bytes));
    }
    content_.emplace(std::move(*content));
    return Ok();
  }

  const Edge& edge_;
  const v1::DownloadRequest request_;
  std::uint64_t offset_;
  std::optional<ArtifactStore::Content> content_;
  bool sent_first_ = false;
  v1::DownloadResponse response_;
  Handoff handoff_;  // from a reading thread through gRPC to the next one
};

}  // namespace

// gRPC owns the streams until their OnDone.
grpc::ServerReadReactor<v1::UploadRequest>* OpenUpload(const Edge& edge,
                                                       grpc::CallbackServerContext* call,
                                                       v1::UploadResponse& response) {
  return new UploadStream(edge, Authorize(*edge.guard, *call), response);
}

grpc::ServerWriteReactor<v1::DownloadResponse>* OpenDownload(const Edge& edge,
                                                             grpc::CallbackServerContext* call,
                                                             const v1::DownloadRequest& request) {
  return new DownloadStream(edge, Authorize(*edge.guard, *call), request);
}

}  // namespace fusor
