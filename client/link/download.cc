#include "client/link/download.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "client/link/file_hash.h"
#include "client/link/safe_path.h"

namespace fusor::client {

namespace {

constexpr int kFruitlessTriesMax = 5;  // connections in a row that brought no byte

// A file open for appending.
class Part {
 public:
  static Result<Part> Open(const std::filesystem::path& path) {
    const int descriptor =
        open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (descriptor < 0) return Failure(path);
    return Part(descriptor, path);
  }
  Part(Part&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}
  Part& operator=(Part&&) = delete;
  ~Part() {
    if (descriptor_ >= 0) close(descriptor_);
  }

  Status Append(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return Failure(path_);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return Ok();
  }
  Status Empty() { return ftruncate(descriptor_, 0) == 0 ? Ok() : Failure(path_); }
  Status Sync() { return fsync(descriptor_) == 0 ? Ok() : Failure(path_); }

 private:
  Part(int descriptor, std::filesystem::path path)
      : descriptor_(descriptor), path_(std::move(path)) {}

  static Status Failure(const std::filesystem::path& path) {
    return Internal("cannot write " + path.string() + ": " + std::strerror(errno));
  }

  int descriptor_;
  std::filesystem::path path_;
};

bool IsThere(const Download& download, const std::filesystem::path& file) {
  std::error_code error;
  if (std::filesystem::is_symlink(std::filesystem::symlink_status(file, error))) return false;
  if (std::filesystem::file_size(file, error) != download.bytes || error) return false;
  Hasher hasher;
  return AddFile(hasher, file).ok() && hasher.Finish() == download.sha256;
}

// Reads from `offset` to the end or to a broken connection.
Status ReadOn(Api& api, const Download& download, Part& part, Hasher& hasher, std::uint64_t& offset,
              const std::function<void(std::uint64_t)>& progress) {
  v1::DownloadRequest request;
  request.set_artifact(download.artifact);
  request.set_offset(offset);
  Status failed;
  const Status status = api.Read(
      request, Api::Reader<v1::DownloadResponse>([&](const v1::DownloadResponse& response) {
        const std::string& chunk = response.chunk();
        if (response.offset() != offset || offset + chunk.size() > download.bytes) {
          failed = DataLoss("the coordinator sent other bytes than were asked for");
          return false;
        }
        failed = part.Append(chunk);
        if (!failed.ok()) return false;
        hasher.Add(chunk);
        offset += chunk.size();
        progress(offset);
        return true;
      }));
  return failed.ok() ? status : failed;
}

// One go over the file: what is in the part already, then the rest.
Status FetchPart(Api& api, const Download& download, Part& part, const std::filesystem::path& path,
                 const std::function<void(std::uint64_t)>& progress) {
  Hasher hasher;
  const Result<std::uint64_t> there = AddFile(hasher, path);
  if (!there.ok()) return there.status();
  std::uint64_t offset = *there;
  int fruitless = 0;
  while (offset < download.bytes) {
    const std::uint64_t before = offset;
    const Status status = ReadOn(api, download, part, hasher, offset, progress);
    if (offset == download.bytes) break;
    if (api.canceled()) return Unavailable("interrupted");
    fruitless = offset > before ? 0 : fruitless + 1;
    const bool may_help = status.ok() || status.code() == Code::kUnavailable;
    if (!may_help || fruitless >= kFruitlessTriesMax) {
      return status.ok() ? DataLoss("the coordinator sent too few bytes") : status;
    }
    // Waits until the coordinator is back, as patiently as any call.
    const Result<v1::GetInfoResponse> back = api.Call(v1::GetInfoRequest());
    if (!back.ok()) return back.status();
  }
  if (offset != download.bytes || hasher.Finish() != download.sha256) {
    return DataLoss("the bytes do not have the sha256 " + download.sha256);
  }
  return part.Sync();
}

}  // namespace

Result<Fetched> Fetch(Api& api, const Download& download,
                      const std::function<void(std::uint64_t)>& progress) {
  RETURN_IF_ERROR(MakeFolders(download.root, download.relative));
  const std::filesystem::path file = download.root / download.relative;
  if (IsThere(download, file)) return Fetched::kThereAlready;
  const std::filesystem::path part_path = file.string() + ".part";
  Result<Part> part = Part::Open(part_path);
  if (!part.ok()) return part.status();
  std::error_code error;
  const std::uint64_t begun = std::filesystem::file_size(part_path, error);
  if (begun > download.bytes) RETURN_IF_ERROR(part->Empty());
  Status status = FetchPart(api, download, *part, part_path, progress);
  if (status.code() == Code::kDataLoss && begun > 0) {
    // What was there from an earlier download belonged to other content: once more from the start.
    RETURN_IF_ERROR(part->Empty());
    status = FetchPart(api, download, *part, part_path, progress);
  }
  if (status.code() == Code::kDataLoss) std::filesystem::remove(part_path, error);
  if (!status.ok()) return Status(status.code(), file.string() + ": " + status.message());
  std::filesystem::rename(part_path, file, error);
  if (error) return Internal("cannot make " + file.string() + ": " + error.message());
  return begun > 0 ? Fetched::kResumed : Fetched::kNew;
}

}  // namespace fusor::client
