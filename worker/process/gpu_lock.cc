#include "worker/process/gpu_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>

#include "worker/system/files.h"

namespace fusor::agent {

std::filesystem::path RuntimeDirectory() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && *runtime == '/') return std::filesystem::path(runtime) / "fusor";
  return "/tmp/fusor-" + std::to_string(getuid());
}

Result<UniqueFd> LockFile(const std::filesystem::path& path) {
  Result<UniqueFd> fd = OpenFile(path, O_RDWR | O_CREAT | O_NOFOLLOW);
  if (!fd.ok()) return fd.status();
  if (flock(fd->get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno == EWOULDBLOCK) return FailedPrecondition(path.string() + " is held by another agent");
  return SystemError("lock", path);
}

Result<UniqueFd> LockDevice(const std::filesystem::path& directory, const std::string& uuid) {
  RETURN_IF_ERROR(MakeDirectory(directory));
  // In /tmp anybody may have made it.
  struct stat stats {};
  if (lstat(directory.c_str(), &stats) != 0 || !S_ISDIR(stats.st_mode) ||
      stats.st_uid != getuid()) {
    return FailedPrecondition(directory.string() + " does not belong to this user");
  }
  std::string name = uuid;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0 && c != '-'; },
      '_');
  return LockFile(directory / ("gpu-" + name + ".lock"));
}

}  // namespace fusor::agent
