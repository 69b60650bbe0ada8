#include "coordinator/store/artifact_store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "common/base/limits.h"
#include "coordinator/store/upload_state.h"

namespace fusor {

namespace {

// How long a complete file waits for the row that will name it.
constexpr std::chrono::hours kClaimLasts{1};
constexpr std::chrono::hours kOrphanAge{7 * 24};
constexpr std::size_t kCollectedAtOnce = 1'000;

std::chrono::system_clock::time_point ModifiedAt(const struct stat& info) {
  return std::chrono::system_clock::from_time_t(info.st_mtim.tv_sec) +
         std::chrono::duration_cast<std::chrono::system_clock::duration>(
             std::chrono::nanoseconds(info.st_mtim.tv_nsec));
}

Status CheckName(const std::string& sha256, std::uint64_t bytes) {
  if (!IsSha256(sha256)) return InvalidArgument("a content's name is its sha256 in lower-case hex");
  if (bytes > limits::kArtifactBytesMax) {
    return ResourceExhausted("a file of " + std::to_string(bytes) + " bytes is over the limit of " +
                             std::to_string(limits::kArtifactBytesMax));
  }
  return Ok();
}

}  // namespace

bool IsSha256(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

ArtifactStore::ArtifactStore(const std::filesystem::path& directory)
    : artifacts_(directory / "artifacts"), uploads_(directory / "uploads"), opened_(Clock::now()) {}

Result<std::unique_ptr<ArtifactStore>> ArtifactStore::Open(const std::filesystem::path& directory) {
  auto store = std::unique_ptr<ArtifactStore>(new ArtifactStore(directory));
  RETURN_IF_ERROR(MakeDirectory(store->artifacts_));
  RETURN_IF_ERROR(MakeDirectory(store->uploads_));
  RETURN_IF_ERROR(SyncDirectory(directory));
  return store;
}

std::filesystem::path ArtifactStore::PathOf(const std::string& sha256) const {
  return artifacts_ / sha256.substr(0, 2) / sha256;
}

std::filesystem::path ArtifactStore::PartOf(const std::string& sha256, std::uint64_t bytes) const {
  return uploads_ / (sha256 + "-" + std::to_string(bytes));
}

Result<bool> ArtifactStore::IsComplete(const std::string& sha256, std::uint64_t bytes) const {
  struct stat info {};
  const std::filesystem::path path = PathOf(sha256);
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return false;
    return FileError("examine", path, errno);
  }
  if (static_cast<std::uint64_t>(info.st_size) == bytes) return true;
  return InvalidArgument("content " + sha256 + " has " + std::to_string(info.st_size) +
                         " bytes, not " + std::to_string(bytes));
}

Result<ArtifactStore::UploadStatus> ArtifactStore::Find(const std::string& sha256,
                                                        std::uint64_t bytes) {
  RETURN_IF_ERROR(CheckName(sha256, bytes));
  // Claimed first: a file that is found now must not be collected before its row has come.
  Claim(sha256);
  const Result<bool> is_complete = IsComplete(sha256, bytes);
  if (!is_complete.ok()) return is_complete.status();
  if (*is_complete) return UploadStatus{bytes, true};
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(PartOf(sha256, bytes), error);
  return UploadStatus{error ? 0 : std::min<std::uint64_t>(size, bytes), false};
}

Result<std::unique_ptr<Upload>> ArtifactStore::Begin(const std::string& sha256,
                                                     std::uint64_t bytes) {
  const Result<UploadStatus> status = Find(sha256, bytes);
  if (!status.ok()) return status.status();
  if (status->is_complete) return AlreadyExists("content " + sha256 + " is stored already");
  {
    const std::scoped_lock lock(mutex_);
    if (!uploading_.insert(sha256).second) {
      return Unavailable("content " + sha256 + " is being uploaded by another call");
    }
  }
  auto state = std::make_unique<Upload::State>();
  state->store = this;
  state->sha256 = sha256;
  state->bytes = bytes;
  // From here on the destructor gives the name free again.
  auto upload = std::unique_ptr<Upload>(new Upload(std::move(state)));
  RETURN_IF_ERROR(upload->state_->Open(PartOf(sha256, bytes)));
  return upload;
}

Result<ArtifactStore::Content> ArtifactStore::Read(const std::string& sha256) const {
  if (!IsSha256(sha256)) return InvalidArgument("a content's name is its sha256 in lower-case hex");
  Result<File> file = File::Open(PathOf(sha256), O_RDONLY);
  if (!file.ok()) {
    if (file.status().code() != Code::kNotFound) return file.status();
    return NotFound("content " + sha256 + " is not stored here");
  }
  const Result<std::uint64_t> size = file->Size();
  if (!size.ok()) return size.status();
  return Content{std::move(file).value(), *size};
}

Result<std::vector<std::string>> ArtifactStore::Collect(StateReader& reader) {
  const Result<std::vector<std::string>> garbage = reader.GarbageContents(kCollectedAtOnce);
  if (!garbage.ok()) return garbage.status();
  {
    const Clock::time_point now = Clock::now();
    const std::scoped_lock lock(mutex_);
    std::erase_if(claims_, [&](const auto& claim) { return now - claim.second > kClaimLasts; });
  }
  std::vector<std::string> dealt_with;

  for (const std::string& sha256 : *garbage) {
    if (!IsSha256(sha256)) {
      dealt_with.push_back(sha256);
      continue;
    }
    const std::scoped_lock lock(mutex_);
    const Result<bool> is_referenced = reader.IsReferenced(sha256);
    if (!is_referenced.ok()) return is_referenced.status();
    if (!*is_referenced) {
      if (IsClaimed(sha256)) continue;
      RETURN_IF_ERROR(RemoveFile(PathOf(sha256)));
    }
    dealt_with.push_back(sha256);
  }
  return dealt_with;
}

Result<std::uint64_t> ArtifactStore::RemoveOrphans(StateReader& reader) {
  const Clock::time_point old_enough = Clock::now() - kOrphanAge;
  std::uint64_t removed = 0;
  std::error_code error;
  for (const std::filesystem::path& root : {artifacts_, uploads_}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root, error)) {
      struct stat info {};
      if (::stat(entry.path().c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
      if (ModifiedAt(info) > old_enough) continue;
      const std::string name = entry.path().filename().string();
      if (root == artifacts_) {
        if (!IsSha256(name)) continue;
        const Result<bool> is_referenced = reader.IsReferenced(name);
        if (!is_referenced.ok()) return is_referenced.status();
        if (*is_referenced) continue;
      }
      const std::scoped_lock lock(mutex_);
      if (uploading_.contains(name.substr(0, 64)) || IsClaimed(name)) continue;
      RETURN_IF_ERROR(RemoveFile(entry.path()));
      ++removed;
    }
    if (error) return FileError("list", root, error.value());
  }
  return removed;
}

void ArtifactStore::Claim(const std::string& sha256) {
  const Clock::time_point now = Clock::now();
  const std::scoped_lock lock(mutex_);
  claims_[sha256] = now;
  // For the daemon after this one, which knows no claims but file times.
  (void)::utimensat(AT_FDCWD, PathOf(sha256).c_str(), nullptr, 0);
}

bool ArtifactStore::IsClaimed(const std::string& sha256) const {
  const Clock::time_point now = Clock::now();
  const auto claim = claims_.find(sha256);
  if (claim != claims_.end() && now - claim->second <= kClaimLasts) return true;
  struct stat info {};
  if (::stat(PathOf(sha256).c_str(), &info) != 0) return false;
  const Clock::time_point modified = ModifiedAt(info);
  return modified < opened_ && now - modified <= kClaimLasts;
}

void ArtifactStore::Release(const std::string& sha256) {
  const std::scoped_lock lock(mutex_);
  uploading_.erase(sha256);
}

}  // namespace fusor
