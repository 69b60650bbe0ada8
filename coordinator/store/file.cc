#include "coordinator/store/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "coordinator/store/hash.h"

namespace fusor {

Status FileError(std::string_view what, const std::filesystem::path& path, int error) {
  std::string text = "cannot " + std::string(what) + " " + path.string() + ": " +
                     std::generic_category().message(error);
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
      return ResourceExhausted(std::move(text));
    case ENOENT:
      return NotFound(std::move(text));
    case EIO:
      return Unavailable(std::move(text));
    default:
      return Internal(std::move(text));
  }
}

File::File(File&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

File& File::operator=(File&& other) noexcept {
  if (this != &other) {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = std::exchange(other.descriptor_, -1);
    path_ = std::move(other.path_);
  }
  return *this;
}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<File> File::Open(const std::filesystem::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  if (descriptor < 0) return FileError("open", path, errno);
  return File(descriptor, path);
}

Result<std::uint64_t> File::Size() const {
  struct stat info {};
  if (::fstat(descriptor_, &info) != 0) return FileError("stat", path_, errno);
  return static_cast<std::uint64_t>(info.st_size);
}

Result<std::size_t> File::ReadAt(std::uint64_t offset, std::span<char> buffer) const {
  while (true) {
    const ssize_t got =
        ::pread(descriptor_, buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return FileError("read", path_, errno);
  }
}

Status File::WriteAt(std::uint64_t offset, std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t put =
        ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0) {
      if (errno == EINTR) continue;
      return FileError("write", path_, errno);
    }
    offset += static_cast<std::uint64_t>(put);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return Ok();
}

Status File::Truncate(std::uint64_t size) const {
  if (::ftruncate(descriptor_, static_cast<off_t>(size)) == 0) return Ok();
  return FileError("truncate", path_, errno);
}

Status File::Sync() const {
  if (::fsync(descriptor_) == 0) return Ok();
  return FileError("sync", path_, errno);
}

Status SyncDirectory(const std::filesystem::path& directory) {
  const Result<File> handle = File::Open(directory, O_RDONLY | O_DIRECTORY);
  if (!handle.ok()) return handle.status();
  return handle->Sync();
}

Status MakeDirectory(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  return error ? FileError("create", directory, error.value()) : Ok();
}

Status RenameDurably(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return FileError("rename", from, errno);
  return SyncDirectory(to.parent_path());
}

Status RemoveFile(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return Ok();
  return FileError("remove", path, errno);
}

Result<std::string> HashFile(const std::filesystem::path& path) {
  const Result<File> file = File::Open(path, O_RDONLY);
  if (!file.ok()) return file.status();
  Sha256 hash;
  std::vector<char> buffer(limits::kArtifactChunkBytes);
  for (std::uint64_t offset = 0;;) {
    const Result<std::size_t> got = file->ReadAt(offset, buffer);
    if (!got.ok()) return got.status();
    if (*got == 0) return hash.Hex();
    hash.Add({buffer.data(), *got});
    offset += *got;
  }
}

}  // namespace fusor
