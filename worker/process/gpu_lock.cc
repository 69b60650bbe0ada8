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
  const char* given = std::getenv("FUSOR_GPU_LOCKS");
  return given != nullptr && *given == '/' ? given : "/tmp/fusor-gpus";
}

namespace {

// For reading is enough for a lock. Without O_CREAT first: in a sticky directory the system may
// refuse it for a file that another user made.
Result<UniqueFd> OpenShared(const std::filesystem::path& path) {
  Result<UniqueFd> fd = OpenFile(path, O_RDONLY | O_NOFOLLOW);
  if (fd.ok()) return fd;
  fd = OpenFile(path, O_RDONLY | O_CREAT | O_NOFOLLOW);
  if (fd.ok()) fchmod(fd->get(), 0666);
  return fd;
}

Result<UniqueFd> LockOpened(Result<UniqueFd> fd, const std::filesystem::path& path) {
  if (!fd.ok()) return fd.status();
  if (flock(fd->get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno == EWOULDBLOCK) return FailedPrecondition(path.string() + " is held by another agent");
  return SystemError("lock", path);
}

}  // namespace

Result<UniqueFd> LockFile(const std::filesystem::path& path) {
  return LockOpened(OpenFile(path, O_RDWR | O_CREAT | O_NOFOLLOW), path);
}

Result<UniqueFd> LockDevice(const std::filesystem::path& directory, const std::string& uuid) {
  // As /tmp itself: everybody may add a lock, nobody may take another's away.
  if (mkdir(directory.c_str(), 0777) == 0) {
    chmod(directory.c_str(), 01777);
  } else if (errno != EEXIST) {
    return SystemError("make", directory);
  }
  std::string name = uuid;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0 && c != '-'; },
      '_');
  const std::filesystem::path path = directory / ("gpu-" + name + ".lock");
  return LockOpened(OpenShared(path), path);
}

}  // namespace fusor::agent
