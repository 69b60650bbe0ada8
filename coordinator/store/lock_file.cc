#include "coordinator/store/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <utility>

namespace fusor {

namespace {

std::string HolderOf(const File& file) {
  std::array<char, 32> text{};
  const Result<std::size_t> got = file.ReadAt(0, text);
  if (!got.ok() || *got == 0) return "another process";
  std::string pid(text.data(), *got);
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  return "process " + pid;
}

}  // namespace

Result<LockFile> LockFile::Acquire(const std::filesystem::path& path) {
  Result<File> file = File::Open(path, O_RDWR | O_CREAT);
  if (!file.ok()) return file.status();
  if (::flock(file->descriptor(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return FileError("lock", path, errno);
    return FailedPrecondition("the data directory " + path.parent_path().string() +
                              " is in use by " + HolderOf(*file) +
                              ": stop it, or choose another --data directory");
  }
  // For people who look into the directory; the lock itself says whether it still holds.
  RETURN_IF_ERROR(file->Truncate(0));
  RETURN_IF_ERROR(file->WriteAt(0, std::to_string(::getpid()) + "\n"));
  return LockFile(std::move(*file));
}

}  // namespace fusor
