#include "worker/link/file_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "worker/system/file_hash.h"
#include "worker/system/files.h"

namespace fusor::agent {

Status LinkFile(const std::filesystem::path& from, const std::filesystem::path& to) {
  unlink(to.c_str());
  if (link(from.c_str(), to.c_str()) == 0) return Ok();
  std::error_code error;
  std::filesystem::copy_file(from, to, error);
  if (!error) return Ok();
  errno = error.value();
  return SystemError("copy", to);
}

FileCache::FileCache(std::filesystem::path directory, std::uint64_t bytes_max)
    : directory_(std::move(directory)), bytes_max_(bytes_max) {}

bool FileCache::Give(const std::string& sha256, const std::filesystem::path& to) {
  const std::filesystem::path path = directory_ / sha256;
  // A link of our own, so that it cannot go away meanwhile.
  if (link(path.c_str(), to.c_str()) != 0 && !LinkFile(path, to).ok()) return false;
  const Result<FileDigest> digest = DigestFile(to);
  if (digest.ok() && digest->sha256 == sha256) {
    utimensat(AT_FDCWD, path.c_str(), nullptr, 0);  // used now
    return true;
  }
  unlink(to.c_str());
  unlink(path.c_str());
  return false;
}

void FileCache::Keep(const std::filesystem::path& from, const std::string& sha256) {
  const std::lock_guard lock(mu_);
  if (bytes_max_ == 0 || !MakeDirectory(directory_).ok()) return;
  const std::filesystem::path path = directory_ / sha256;
  if (access(path.c_str(), F_OK) == 0 || !LinkFile(from, path).ok()) return;
  MakeRoom();
}

void FileCache::MakeRoom() {
  struct Entry {
    std::filesystem::path path;
    std::uint64_t bytes;
    std::int64_t used_ns;
  };
  std::vector<Entry> entries;
  std::uint64_t total = 0;
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(directory_, error)) {
    struct stat stats {};
    if (stat(file.path().c_str(), &stats) != 0) continue;
    entries.push_back({.path = file.path(),
                       .bytes = static_cast<std::uint64_t>(stats.st_size),
                       .used_ns = stats.st_mtim.tv_sec * 1'000'000'000 + stats.st_mtim.tv_nsec});
    total += entries.back().bytes;
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.used_ns < b.used_ns; });
  for (const Entry& entry : entries) {
    if (total <= bytes_max_) return;
    if (unlink(entry.path.c_str()) == 0) total -= entry.bytes;
  }
}

}  // namespace fusor::agent
