#pragma once

// SHA-256 of files and streams, by OpenSSL.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace fusor::agent {

class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;

  void Add(std::string_view bytes);
  // In lower-case hex; nothing may be added after it.
  std::string Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

struct FileDigest {
  std::string sha256;
  std::uint64_t bytes = 0;
};

Result<FileDigest> DigestFile(const std::filesystem::path& path);

}  // namespace fusor::agent
