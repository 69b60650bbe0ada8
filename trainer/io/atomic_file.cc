#include "trainer/io/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "trainer/io/descriptor.h"

namespace fusor {
namespace {

constexpr std::size_t kWriteBytesMax = 64 << 20;  // one call takes at most 2 GiB

Status FromErrno(const std::string& path, const char* what, int error) {
  std::string message = path + ": " + what + ": " + std::strerror(error);
  if (error == ENOENT) return NotFound(std::move(message));
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    return ResourceExhausted(std::move(message));
  }
  return Unavailable(std::move(message));
}

}  // namespace

Result<AtomicFile> AtomicFile::Create(std::string path) {
  std::error_code error;
  auto parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  std::string temporary = path + ".tmp";
  int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return FromErrno(temporary, "cannot be made", errno);
  return AtomicFile(std::move(path), std::move(temporary), fd);
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      fd_(std::exchange(other.fd_, -1)) {}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  close(fd_);
  unlink(temporary_.c_str());
}

Status AtomicFile::Failed(const char* what) const { return FromErrno(temporary_, what, errno); }

Status AtomicFile::Write(const void* data, std::size_t size) {
  const char* next = static_cast<const char*>(data);
  while (size > 0) {
    ssize_t count = write(fd_, next, std::min(size, kWriteBytesMax));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Failed("cannot be written");
    next += count;
    size -= static_cast<std::size_t>(count);
  }
  return Ok();
}

Status AtomicFile::Commit() {
  if (fsync(fd_) != 0) return Failed("cannot be synced");
  if (rename(temporary_.c_str(), path_.c_str()) != 0) return Failed("cannot be renamed");
  close(std::exchange(fd_, -1));
  const std::string parent = std::filesystem::path(path_).parent_path();
  return SyncDirectory(parent.empty() ? "." : parent);
}

Status SyncDirectory(const std::string& path) {
  Descriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.open()) return FromErrno(path, "cannot be opened", errno);
  return fsync(directory.get()) == 0 ? Ok() : FromErrno(path, "cannot be synced", errno);
}

Status WriteFileAtomically(const std::string& path, std::string_view text) {
  auto file = AtomicFile::Create(path);
  if (!file.ok()) return file.status();
  RETURN_IF_ERROR(file->Write(text.data(), text.size()));
  return file->Commit();
}

Status CopyFile(const std::string& from, const std::string& to) {
  int fd = open(from.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FromErrno(from, "cannot be opened", errno);
  Descriptor source(fd);
  auto file = AtomicFile::Create(to);
  if (!file.ok()) return file.status();
  std::vector<char> buffer(1 << 20);
  for (;;) {
    ssize_t count = read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return FromErrno(from, "cannot be read", errno);
    if (count == 0) return file->Commit();
    RETURN_IF_ERROR(file->Write(buffer.data(), static_cast<std::size_t>(count)));
  }
}

Result<std::string> ReadFile(const std::string& path, std::size_t bytes_max) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FromErrno(path, "cannot be opened", errno);
  Descriptor source(fd);
  std::string text;
  char buffer[16 << 10];
  ssize_t count;
  while ((count = read(fd, buffer, sizeof buffer)) != 0) {
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) break;
    text.append(buffer, static_cast<std::size_t>(count));
    if (text.size() > bytes_max) break;
  }
  if (count < 0) return FromErrno(path, "cannot be read", errno);
  if (text.size() > bytes_max) {
    return ResourceExhausted(path + ": longer than " + std::to_string(bytes_max) + " bytes");
  }
  return text;
}

}  // namespace fusor
