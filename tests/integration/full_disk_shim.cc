// Preloaded into a program under test: writes fail with ENOSPC while a control file says so. What a
// full disk does, on demand and without root, for the files that are meant and no others.
//
// FUSOR_FULL_DISK names the control file. It holds one word and one text: "write TEXT" fails every
// write to a file whose path contains TEXT; "sync TEXT" lets it be written and fails its sync.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

bool IsFull(int fd, const char* what) {
  const char* control = std::getenv("FUSOR_FULL_DISK");
  if (control == nullptr) return false;
  const int before = errno;
  const int file = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, control, O_RDONLY | O_CLOEXEC));
  if (file < 0) {
    errno = before;
    return false;
  }
  char said[512] = {};
  const long got = ::syscall(SYS_read, file, said, sizeof said - 1);
  ::syscall(SYS_close, file);
  char link[64];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  char path[4096] = {};
  const ssize_t length = ::readlink(link, path, sizeof path - 1);
  errno = before;
  const std::size_t word = std::strlen(what);
  if (got <= 0 || length <= 0 || path[0] != '/') return false;
  return std::strncmp(said, what, word) == 0 && said[word] == ' ' &&
         std::strstr(path, said + word + 1) != nullptr;
}

template <class Function>
Function* Real(Function*, const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t write(int fd, const void* bytes, size_t count) {
  static auto* const kReal = Real(&write, "write");
  if (!IsFull(fd, "write")) return kReal(fd, bytes, count);
  errno = ENOSPC;
  return -1;
}

ssize_t writev(int fd, const struct iovec* parts, int count) {
  static auto* const kReal = Real(&writev, "writev");
  if (!IsFull(fd, "write")) return kReal(fd, parts, count);
  errno = ENOSPC;
  return -1;
}

ssize_t pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  static auto* const kReal = Real(&pwrite, "pwrite");
  if (!IsFull(fd, "write")) return kReal(fd, bytes, count, offset);
  errno = ENOSPC;
  return -1;
}

ssize_t pwrite64(int fd, const void* bytes, size_t count, off64_t offset) {
  static auto* const kReal = Real(&pwrite64, "pwrite64");
  if (!IsFull(fd, "write")) return kReal(fd, bytes, count, offset);
  errno = ENOSPC;
  return -1;
}

int fsync(int fd) {
  static auto* const kReal = Real(&fsync, "fsync");
  if (!IsFull(fd, "sync")) return kReal(fd);
  errno = ENOSPC;
  return -1;
}

int fdatasync(int fd) {
  static auto* const kReal = Real(&fdatasync, "fdatasync");
  if (!IsFull(fd, "sync")) return kReal(fd);
  errno = ENOSPC;
  return -1;
}

}  // extern "C"
