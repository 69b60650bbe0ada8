#include "worker/link/artifact_client.h"

#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>

#include "common/base/limits.h"
#include "fusor/v1/artifact_service.grpc.pb.h"
#include "worker/link/grpc_status.h"
#include "worker/system/file_hash.h"
#include "worker/system/files.h"

namespace fusor::agent {

namespace {

constexpr std::chrono::seconds kUnaryDeadline{20};
constexpr std::chrono::seconds kStreamDeadline{60};
constexpr std::uint64_t kLeastBytesPerSecond = 1 << 20;

Status Canceled() { return Unavailable("canceled"); }

void Prepare(grpc::ClientContext& context, const Channel& channel, std::chrono::seconds deadline) {
  channel.Authorize(context);
  context.set_deadline(std::chrono::system_clock::now() + deadline);
}

std::chrono::seconds DeadlineFor(std::uint64_t bytes) {
  return kStreamDeadline + std::chrono::seconds(bytes / kLeastBytesPerSecond);
}

Result<std::string> ReadAt(int fd, std::uint64_t offset, std::size_t bytes) {
  std::string chunk(bytes, '\0');
  ssize_t count;
  do {
    count = pread(fd, chunk.data(), chunk.size(), static_cast<off_t>(offset));
  } while (count < 0 && errno == EINTR);
  if (count < 0) return SystemError("read of a staged file");
  chunk.resize(static_cast<std::size_t>(count));
  return chunk;
}

Status WriteAll(int fd, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t count = write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError("write", path);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return Ok();
}

}  // namespace

void Cancellation::Cancel() {
  const std::lock_guard lock(mu_);
  canceled_ = true;
  if (context_ != nullptr) context_->TryCancel();
}

Cancellation::Scope::Scope(Cancellation& cancellation, grpc::ClientContext& context)
    : cancellation_(cancellation) {
  const std::lock_guard lock(cancellation_.mu_);
  cancellation_.context_ = &context;
  if (cancellation_.canceled_) context.TryCancel();
}

Cancellation::Scope::~Scope() {
  const std::lock_guard lock(cancellation_.mu_);
  cancellation_.context_ = nullptr;
}

struct ArtifactClient::Stub {
  std::unique_ptr<v1::ArtifactService::Stub> rpc;
};

ArtifactClient::ArtifactClient(const Channel& channel)
    : channel_(channel),
      stub_(std::make_unique<Stub>(Stub{v1::ArtifactService::NewStub(channel.grpc())})) {}

ArtifactClient::~ArtifactClient() = default;

Result<StoredFile> ArtifactClient::Upload(const std::filesystem::path& path, std::string name,
                                          Cancellation& cancellation) {
  Result<FileDigest> digest = DigestFile(path);
  if (!digest.ok()) return digest.status();
  if (cancellation.canceled()) return Canceled();
  StoredFile file{.name = std::move(name), .sha256 = digest->sha256, .bytes = digest->bytes};
  const Result<std::uint64_t> offset = OffsetOf(file, cancellation);
  if (!offset.ok()) return offset.status();
  if (*offset == UINT64_MAX) return file;  // it is stored already
  Result<UniqueFd> fd = OpenFile(path, O_RDONLY);
  if (!fd.ok()) return fd.status();
  RETURN_IF_ERROR(Send(fd->get(), file, *offset, cancellation));
  return file;
}

Result<std::uint64_t> ArtifactClient::OffsetOf(const StoredFile& file, Cancellation& cancellation) {
  grpc::ClientContext context;
  Prepare(context, channel_, kUnaryDeadline);
  const Cancellation::Scope scope(cancellation, context);
  v1::GetUploadRequest request;
  request.set_sha256(file.sha256);
  request.set_bytes(file.bytes);
  v1::GetUploadResponse response;
  RETURN_IF_ERROR(FromGrpc(stub_->rpc->GetUpload(&context, request, &response)));
  if (response.complete()) return UINT64_MAX;
  if (response.offset() > file.bytes)
    return DataLoss("the coordinator has more of it than there is");
  return response.offset();
}

Status ArtifactClient::Send(int fd, const StoredFile& file, std::uint64_t offset,
                            Cancellation& cancellation) {
  grpc::ClientContext context;
  Prepare(context, channel_, DeadlineFor(file.bytes - offset));
  const Cancellation::Scope scope(cancellation, context);
  v1::UploadResponse response;
  const auto stream = stub_->rpc->Upload(&context, &response);
  v1::UploadRequest request;
  request.set_sha256(file.sha256);
  request.set_bytes(file.bytes);
  // At least one message, also of an empty file.
  do {
    Result<std::string> chunk = ReadAt(fd, offset, limits::kArtifactChunkBytes);
    if (!chunk.ok()) {
      context.TryCancel();
      static_cast<void>(stream->Finish());
      return chunk.status();
    }
    request.set_offset(offset);
    offset += chunk->size();
    const bool at_end = chunk->empty();
    request.set_chunk(std::move(*chunk));
    if (!stream->Write(request)) break;  // Finish says why
    request.clear_sha256();
    request.clear_bytes();
    if (at_end) break;
  } while (offset < file.bytes);
  stream->WritesDone();
  RETURN_IF_ERROR(FromGrpc(stream->Finish()));
  if (response.stored() == file.bytes) return Ok();
  return Unavailable("the coordinator stored " + std::to_string(response.stored()) + " of " +
                     std::to_string(file.bytes) + " bytes");
}

Status ArtifactClient::Download(const StoredFile& file, const std::filesystem::path& path,
                                Cancellation& cancellation) {
  const std::filesystem::path part = path.string() + ".part";
  RETURN_IF_ERROR(Receive(file, part, cancellation));
  const Result<FileDigest> digest = DigestFile(part);
  if (!digest.ok()) return digest.status();
  if (digest->sha256 != file.sha256) {
    unlink(part.c_str());
    return DataLoss(file.name + " arrived with another sha256");
  }
  if (rename(part.c_str(), path.c_str()) != 0) return SystemError("rename", part);
  return Ok();
}

Status ArtifactClient::Receive(const StoredFile& file, const std::filesystem::path& part,
                               Cancellation& cancellation) {
  Result<UniqueFd> fd = OpenFile(part, O_WRONLY | O_CREAT | O_APPEND);
  if (!fd.ok()) return fd.status();
  struct stat stats {};
  if (fstat(fd->get(), &stats) != 0) return SystemError("stat", part);
  auto offset = static_cast<std::uint64_t>(stats.st_size);
  if (offset > file.bytes) {
    if (ftruncate(fd->get(), 0) != 0) return SystemError("truncate", part);
    offset = 0;
  }
  if (offset == file.bytes && offset > 0) return Ok();
  grpc::ClientContext context;
  Prepare(context, channel_, DeadlineFor(file.bytes - offset));
  const Cancellation::Scope scope(cancellation, context);
  v1::DownloadRequest request;
  request.set_sha256(file.sha256);
  request.set_offset(offset);
  const auto stream = stub_->rpc->Download(&context, request);
  Status written;
  for (v1::DownloadResponse response; written.ok() && stream->Read(&response);) {
    if (response.chunk().empty()) continue;
    if (response.offset() != offset) {
      written = DataLoss("a piece of " + file.name + " is missing");
    } else {
      written = WriteAll(fd->get(), response.chunk(), part);
      offset += response.chunk().size();
    }
  }
  if (!written.ok()) context.TryCancel();
  const Status received = FromGrpc(stream->Finish());
  RETURN_IF_ERROR(written);
  RETURN_IF_ERROR(received);
  if (offset != file.bytes) return Unavailable("only a part of " + file.name + " came");
  return Ok();
}

}  // namespace fusor::agent
