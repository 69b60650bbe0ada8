#include "worker/system/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace fusor::agent {

namespace {

Status WriteAll(int fd, std::string_view text, const std::filesystem::path& path) {
  while (!text.empty()) {
    const ssize_t count = write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError("write", path);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return Ok();
}

}  // namespace

Status SystemError(std::string_view what) { return SystemError(what, {}); }

Status SystemError(std::string_view what, const std::filesystem::path& path) {
  const int error = errno;
  std::string text(what);
  if (!path.empty()) text += " " + path.string();
  text += ": ";
  text += std::strerror(error);
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
      return ResourceExhausted(std::move(text));
    case ENOENT:
      return NotFound(std::move(text));
    default:
      return Unavailable(std::move(text));
  }
}

Result<UniqueFd> OpenFile(const std::filesystem::path& path, int flags) {
  UniqueFd fd(open(path.c_str(), flags | O_CLOEXEC, 0600));
  if (!fd) return SystemError("open", path);
  return fd;
}

Result<std::string> ReadWholeFile(const std::filesystem::path& path) {
  Result<UniqueFd> fd = OpenFile(path, O_RDONLY);
  if (!fd.ok()) return fd.status();
  std::string text;
  char buffer[16 << 10];
  for (;;) {
    const ssize_t count = read(fd->get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError("read", path);
    if (count == 0) return text;
    text.append(buffer, static_cast<std::size_t>(count));
  }
}

std::string ReadLine(const std::filesystem::path& path) {
  Result<std::string> text = ReadWholeFile(path);
  if (!text.ok()) return {};
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text->find_first_not_of(kSpace);
  if (first == std::string::npos) return {};
  return text->substr(first, text->find_last_not_of(kSpace) - first + 1);
}

Status WriteFile(const std::filesystem::path& path, std::string_view text) {
  Result<UniqueFd> fd = OpenFile(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (!fd.ok()) return fd.status();
  return WriteAll(fd->get(), text, path);
}

Status WriteFileAtomically(const std::filesystem::path& path, std::string_view text) {
  const std::filesystem::path temporary = path.string() + ".tmp";
  {
    Result<UniqueFd> fd = OpenFile(temporary, O_WRONLY | O_CREAT | O_TRUNC);
    if (!fd.ok()) return fd.status();
    RETURN_IF_ERROR(WriteAll(fd->get(), text, temporary));
    if (fsync(fd->get()) != 0) return SystemError("fsync", temporary);
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) return SystemError("rename", temporary);
  return SyncDirectory(path.parent_path());
}

Status SyncDirectory(const std::filesystem::path& path) {
  Result<UniqueFd> fd = OpenFile(path, O_RDONLY | O_DIRECTORY);
  if (!fd.ok()) return fd.status();
  if (fsync(fd->get()) != 0) return SystemError("fsync", path);
  return Ok();
}

Status MakeDirectory(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return Ok();
  errno = error.value();
  return SystemError("create directory", path);
}

void RemoveTree(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

std::uint64_t FreeBytes(const std::filesystem::path& path) {
  struct statvfs stats {};
  if (statvfs(path.c_str(), &stats) != 0) return 0;
  return static_cast<std::uint64_t>(stats.f_bavail) * stats.f_frsize;
}

}  // namespace fusor::agent
