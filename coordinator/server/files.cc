#include "coordinator/server/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace fusor {

namespace {

Status Failed(const std::filesystem::path& path, const char* what) {
  const int error = errno;
  const std::string message = path.string() + ": cannot " + what + ": " + std::strerror(error);
  return error == ENOSPC ? ResourceExhausted(message) : FailedPrecondition(message);
}

// Closes at the end of the scope.
struct Descriptor {
  int fd = -1;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

Status WriteAll(int fd, std::string_view text, const std::filesystem::path& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed(path, "write");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(fd) == 0 ? Ok() : Failed(path, "sync");
}

}  // namespace

Status WriteFileAtomically(const std::filesystem::path& path, std::string_view text, mode_t mode) {
  std::filesystem::path temporary = path;
  temporary += ".tmp";
  {
    const Descriptor file{
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)};
    if (file.fd < 0) return Failed(temporary, "create");
    if (::fchmod(file.fd, mode) != 0) return Failed(temporary, "set the mode of");
    RETURN_IF_ERROR(WriteAll(file.fd, text, temporary));
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return Failed(path, "rename to");
  const Descriptor directory{
      ::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (directory.fd < 0 || ::fsync(directory.fd) != 0) return Failed(path.parent_path(), "sync");
  return Ok();
}

Result<std::string> ReadSmallFile(const std::filesystem::path& path, std::size_t bytes_max) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) {
    if (errno == ENOENT) return NotFound(path.string() + ": no such file");
    return Failed(path, "open");
  }
  std::string text(bytes_max + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(file.fd, text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed(path, "read");
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > bytes_max) return InvalidArgument(path.string() + ": larger than expected");
  text.resize(size);
  return text;
}

Status WriteEndpoint(const std::filesystem::path& directory, const Endpoint& endpoint) {
  const std::string text = "grpc=" + endpoint.grpc + "\nhttp=" + endpoint.http +
                           "\npid=" + std::to_string(endpoint.pid) + "\n";
  return WriteFileAtomically(directory / "endpoint", text, 0644);
}

}  // namespace fusor
