#include "common/fetch/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace fusor {

File::~File() {
  if (fd_ >= 0) close(fd_);
}

Status FileError(std::string_view what, const std::filesystem::path& path) {
  const int error = errno;
  const std::string text = std::string(what) + " " + path.string() + ": " + std::strerror(error);
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    return ResourceExhausted(text + "; make room there, then run it again");
  }
  if (error == EACCES || error == EPERM || error == EROFS) {
    return FailedPrecondition(text + "; choose another folder, or make this one writable");
  }
  return Internal(text);
}

Status Interrupted() { return Unavailable("interrupted"); }

Status WriteAll(const File& file, const std::filesystem::path& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(file.fd(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return FileError("write", path);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return Ok();
}

Status MakeFolder(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return Ok();
  errno = error.value();
  return FileError("make", path);
}

Status WriteAtomically(const std::filesystem::path& path, std::string_view text) {
  const std::filesystem::path temporary = path.string() + ".new";
  {
    const File file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!file) return FileError("make", temporary);
    Status status = WriteAll(file, temporary, text);
    if (status.ok() && fsync(file.fd()) != 0) status = FileError("sync", temporary);
    if (!status.ok()) {
      unlink(temporary.c_str());
      return status;
    }
  }
  return rename(temporary.c_str(), path.c_str()) == 0 ? Ok() : FileError("rename", temporary);
}

Status SyncFileSystem(const std::filesystem::path& path) {
  const File folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return FileError("open", path);
  return syncfs(folder.fd()) == 0 ? Ok() : FileError("sync", path);
}

}  // namespace fusor
