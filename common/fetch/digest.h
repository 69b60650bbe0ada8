#pragma once

// MD5 and SHA-256 of what is read and written here, by OpenSSL.

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/dataset/checksum.h"

namespace fusor {

class Digest {
 public:
  explicit Digest(ChecksumKind kind);
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;

  void Add(std::string_view bytes);
  // In lower-case hex; nothing may be added after it.
  std::string Finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// Of a whole file. `read` hears how many bytes were read so far.
Result<std::string> DigestOf(const std::filesystem::path& path, ChecksumKind kind,
                             const std::stop_token& stop,
                             const std::function<void(std::uint64_t)>& read);

}  // namespace fusor
