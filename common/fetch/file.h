#pragma once

// Files as fetching writes them: what went wrong is said with the path and, for a full disk, with
// what to do.

#include <filesystem>
#include <string_view>

#include "common/base/status.h"

namespace fusor {

// A descriptor that closes itself.
class File {
 public:
  explicit File(int fd = -1) : fd_(fd) {}
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int fd() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

// From errno: "write DIR/x: No space left on device; ...".
Status FileError(std::string_view what, const std::filesystem::path& path);

// Somebody asked to stop: kUnavailable.
Status Interrupted();

Status WriteAll(const File& file, const std::filesystem::path& path, std::string_view bytes);

Status MakeFolder(const std::filesystem::path& path);

// Temporary name, fsync, rename.
Status WriteAtomically(const std::filesystem::path& path, std::string_view text);

// Everything written on the file system that holds `path` is on the disk when it returns.
Status SyncFileSystem(const std::filesystem::path& path);

}  // namespace fusor
