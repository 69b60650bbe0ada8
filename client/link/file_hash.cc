#include "client/link/file_hash.h"

#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <vector>

#include "common/base/check.h"

namespace fusor::client {

struct Hasher::Context {
  Context() : digest(EVP_MD_CTX_new()) {
    CHECK(digest != nullptr);
    CHECK(EVP_DigestInit_ex(digest, EVP_sha256(), nullptr) == 1);
  }
  ~Context() { EVP_MD_CTX_free(digest); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  EVP_MD_CTX* digest;
};

Hasher::Hasher() : context_(std::make_unique<Context>()) {}
Hasher::~Hasher() = default;

void Hasher::Add(std::string_view bytes) {
  CHECK(EVP_DigestUpdate(context_->digest, bytes.data(), bytes.size()) == 1);
}

std::string Hasher::Finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  CHECK(EVP_DigestFinal_ex(context_->digest, digest.data(), &size) == 1);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += kDigits[digest.at(i) >> 4U];
    hex += kDigits[digest.at(i) & 15U];
  }
  return hex;
}

Result<std::uint64_t> AddFile(Hasher& hasher, const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return NotFound("cannot read " + file.string());
  std::vector<char> buffer(1U << 20U);
  std::uint64_t bytes = 0;
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const auto count = static_cast<std::size_t>(in.gcount());
    hasher.Add({buffer.data(), count});
    bytes += count;
  }
  if (in.bad()) return DataLoss("cannot read " + file.string() + " to its end");
  return bytes;
}

}  // namespace fusor::client
