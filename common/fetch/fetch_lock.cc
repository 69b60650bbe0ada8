#include "common/fetch/fetch_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "common/fetch/pause.h"

namespace fusor {

namespace {

constexpr std::chrono::milliseconds kLookEvery{200};

// False when its last holder took the file away after it was opened.
bool IsStillThere(const File& file, const std::filesystem::path& path) {
  struct stat mine {};
  struct stat there {};
  return fstat(file.fd(), &mine) == 0 && stat(path.c_str(), &there) == 0 &&
         mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
}

}  // namespace

Result<std::unique_ptr<FetchLock>> FetchLock::Take(const std::filesystem::path& path,
                                                   const std::stop_token& stop,
                                                   const std::function<void()>& waiting) {
  bool waited = false;
  for (;;) {
    RETURN_IF_ERROR(MakeFolder(path.parent_path()));
    auto file = std::make_unique<File>(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!*file && errno == ENOENT) continue;  // the folder went meanwhile
    if (!*file) return FileError("open", path);
    if (flock(file->fd(), LOCK_EX | LOCK_NB) == 0) {
      if (!IsStillThere(*file, path)) continue;
      return std::unique_ptr<FetchLock>(new FetchLock(path, std::move(file)));
    }
    if (errno != EWOULDBLOCK) return FileError("lock", path);
    if (!std::exchange(waited, true)) waiting();
    if (!Pause(kLookEvery, stop)) return Interrupted();
  }
}

FetchLock::~FetchLock() {
  unlink(path_.c_str());
  rmdir(path_.parent_path().c_str());  // stays when there is anything in it
}

}  // namespace fusor
