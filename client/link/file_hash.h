#pragma once

// SHA-256 of streams of bytes and of files, by OpenSSL.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace fusor::client {

class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  void Add(std::string_view bytes);
  // Lower-case hex; once.
  std::string Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// Adds a file's bytes; gives how many there were.
Result<std::uint64_t> AddFile(Hasher& hasher, const std::filesystem::path& file);

}  // namespace fusor::client
