#pragma once

// Files by descriptor, with errors as Status: a full disk is kResourceExhausted. For everything in
// the data directory that is no database.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace fusor {

// "cannot write artifacts/ab/...: No space left on device", with the code that errno stands for.
Status FileError(std::string_view what, const std::filesystem::path& path, int error);

// Owns a descriptor. Never open a database file with it: closing any descriptor of a file drops the
// locks that SQLite holds on it in this process.
class File {
 public:
  File() = default;
  explicit File(int descriptor, std::filesystem::path path)
      : descriptor_(descriptor), path_(std::move(path)) {}
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();

  // `flags` as for open(2); O_CLOEXEC is added.
  static Result<File> Open(const std::filesystem::path& path, int flags);

  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  const std::filesystem::path& path() const { return path_; }

  Result<std::uint64_t> Size() const;
  // Reads up to buffer.size() bytes; 0 at the end.
  Result<std::size_t> ReadAt(std::uint64_t offset, std::span<char> buffer) const;
  Status WriteAt(std::uint64_t offset, std::string_view bytes) const;
  Status Truncate(std::uint64_t size) const;
  Status Sync() const;

 private:
  int descriptor_ = -1;
  std::filesystem::path path_;
};

// Makes what was renamed, created or removed in the directory durable.
Status SyncDirectory(const std::filesystem::path& directory);
// Creates the directory and its parents where missing.
Status MakeDirectory(const std::filesystem::path& directory);
// Atomic and durable. `from` and `to` lie in one file system.
Status RenameDurably(const std::filesystem::path& from, const std::filesystem::path& to);
// Removes the file; not an error when there is none.
Status RemoveFile(const std::filesystem::path& path);
// The sha256 of the file's content in lower-case hex.
Result<std::string> HashFile(const std::filesystem::path& path);

}  // namespace fusor
