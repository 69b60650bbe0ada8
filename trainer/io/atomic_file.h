#pragma once

// A file that is there whole or not at all: written under a temporary name in the same directory,
// fsynced, renamed, the directory fsynced.

#include <cstddef>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace fusor {

class AtomicFile {
 public:
  // Makes the directories of `path` where they are missing.
  static Result<AtomicFile> Create(std::string path);

  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  // Removes what was not committed.
  ~AtomicFile();

  Status Write(const void* data, std::size_t size);
  Status Commit();

 private:
  AtomicFile(std::string path, std::string temporary, int fd)
      : path_(std::move(path)), temporary_(std::move(temporary)), fd_(fd) {}
  Status Failed(const char* what) const;

  std::string path_;
  std::string temporary_;
  int fd_;
};

// Makes the names in a directory durable.
Status SyncDirectory(const std::string& path);

Status WriteFileAtomically(const std::string& path, std::string_view text);

// Copies `from` to `to`, atomically.
Status CopyFile(const std::string& from, const std::string& to);

// The whole file; refused when it is longer than `bytes_max`.
Result<std::string> ReadFile(const std::string& path, std::size_t bytes_max);

}  // namespace fusor
