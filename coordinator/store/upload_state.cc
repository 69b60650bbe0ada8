#include "coordinator/store/upload_state.h"

#include <fcntl.h>
#include <sys/statvfs.h>

#include <utility>
#include <vector>

#include "common/base/limits.h"

namespace fusor {

namespace {

// An upload that cannot fit is refused before it fills the disk for everybody else.
Status CheckSpace(const std::filesystem::path& part, std::uint64_t missing) {
  struct statvfs info {};
  if (::statvfs(part.parent_path().c_str(), &info) != 0) return Ok();
  const std::uint64_t free = static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
  if (missing <= free) return Ok();
  return ResourceExhausted("no space for an artifact: " + std::to_string(missing) +
                           " bytes are missing and " + std::to_string(free) + " are free in " +
                           part.parent_path().string());
}

}  // namespace

Status Upload::State::Open(const std::filesystem::path& part) {
  Result<File> opened = File::Open(part, O_RDWR | O_CREAT);
  if (!opened.ok()) return opened.status();
  file = std::move(opened).value();
  const Result<std::uint64_t> size = file.Size();
  if (!size.ok()) return size.status();
  if (*size > bytes) RETURN_IF_ERROR(file.Truncate(0));
  std::vector<char> buffer(*size > bytes ? 0 : limits::kArtifactChunkBytes);
  while (!buffer.empty()) {
    const Result<std::size_t> got = file.ReadAt(offset, buffer);
    if (!got.ok()) return got.status();
    if (*got == 0) break;
    hash.Add({buffer.data(), *got});
    offset += *got;
  }
  return CheckSpace(part, bytes - offset);
}

Upload::Upload(std::unique_ptr<State> state) : state_(std::move(state)) {}

Upload::~Upload() { state_->store->Release(state_->sha256); }

std::uint64_t Upload::offset() const { return state_->offset; }

Status Upload::Append(std::uint64_t offset, std::string_view chunk) {
  if (offset != state_->offset) {
    return FailedPrecondition("the next byte of this upload is " + std::to_string(state_->offset) +
                              ", not " + std::to_string(offset));
  }
  if (chunk.size() > state_->bytes - offset) {
    return InvalidArgument("more bytes than the " + std::to_string(state_->bytes) +
                           " that were announced");
  }
  Status written = state_->file.WriteAt(offset, chunk);
  if (!written.ok()) {
    // A part of the chunk may have been written; what counts ends in front of it.
    (void)state_->file.Truncate(offset);
    return written;
  }
  state_->hash.Add(chunk);
  state_->offset += chunk.size();
  return Ok();
}

Status Upload::Finish() {
  if (state_->offset != state_->bytes) {
    return FailedPrecondition("the upload has " + std::to_string(state_->offset) + " of " +
                              std::to_string(state_->bytes) + " bytes");
  }
  const std::filesystem::path part = state_->file.path();
  const std::string found = state_->hash.Hex();
  state_->hash = Sha256();
  if (found != state_->sha256) {
    state_->offset = 0;
    RETURN_IF_ERROR(state_->file.Truncate(0));
    return DataLoss("the bytes received have sha256 " + found + ", not " + state_->sha256);
  }
  if (Status synced = state_->file.Sync(); !synced.ok()) {
    // What the disk did not take the system may have dropped: nothing of it can be trusted.
    (void)state_->file.Truncate(0);
    return synced;
  }
  ArtifactStore& store = *state_->store;
  const std::filesystem::path target = store.PathOf(state_->sha256);
  if (!std::filesystem::exists(target.parent_path())) {
    RETURN_IF_ERROR(MakeDirectory(target.parent_path()));
    RETURN_IF_ERROR(SyncDirectory(store.artifacts_));
  }
  store.Claim(state_->sha256);
  return RenameDurably(part, target);
}

}  // namespace fusor
