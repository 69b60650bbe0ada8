#include "common/fetch/digest.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "common/fetch/file.h"

namespace fusor {

namespace {

constexpr std::size_t kBlockBytes = 1 << 20;

}  // namespace

struct Digest::Context {
  EVP_MD_CTX* evp = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(evp); }
};

Digest::Digest(ChecksumKind kind) : context_(std::make_unique<Context>()) {
  CHECK(EVP_DigestInit_ex(context_->evp, kind == ChecksumKind::kMd5 ? EVP_md5() : EVP_sha256(),
                          nullptr) == 1);
}

Digest::~Digest() = default;

void Digest::Add(std::string_view bytes) {
  CHECK(EVP_DigestUpdate(context_->evp, bytes.data(), bytes.size()) == 1);
}

std::string Digest::Finish() {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  CHECK(EVP_DigestFinal_ex(context_->evp, bytes, &size) == 1);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += kDigits[bytes[i] >> 4];
    hex += kDigits[bytes[i] & 15];
  }
  return hex;
}

Result<std::string> DigestOf(const std::filesystem::path& path, ChecksumKind kind,
                             const std::stop_token& stop,
                             const std::function<void(std::uint64_t)>& read) {
  const File file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return FileError("open", path);
  Digest digest(kind);
  std::string block(kBlockBytes, '\0');
  std::uint64_t done = 0;
  for (;;) {
    if (stop.stop_requested()) return Interrupted();
    const ssize_t count = ::read(file.fd(), block.data(), block.size());
    if (count < 0) return FileError("read", path);
    if (count == 0) return digest.Finish();
    digest.Add({block.data(), static_cast<std::size_t>(count)});
    done += static_cast<std::uint64_t>(count);
    read(done);
  }
}

}  // namespace fusor
