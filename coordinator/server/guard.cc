#include "coordinator/server/guard.h"

#include <sys/random.h>

#include <array>
#include <cctype>
#include <cstddef>

#include "coordinator/server/files.h"

namespace fusor {

namespace {

constexpr std::size_t kTokenBytes = 32;
constexpr std::string_view kScheme = "Bearer ";

Result<std::string> MakeToken() {
  std::array<unsigned char, kTokenBytes> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return Internal("the system gives no random numbers for the token");
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string token;
  for (const unsigned char byte : bytes) {
    token += kDigits[byte >> 4];
    token += kDigits[byte & 15];
  }
  return token;
}

}  // namespace

Result<std::string> LoadOrMakeToken(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / "token";
  Result<std::string> read = ReadSmallFile(path, 4096);
  if (read.ok()) {
    while (!read->empty() && std::isspace(static_cast<unsigned char>(read->back()))) {
      read->pop_back();
    }
    if (read->size() < 16) {
      return FailedPrecondition(path.string() + ": no token in it; delete it to have one made");
    }
    return read;
  }
  if (read.status().code() != Code::kNotFound) return read;
  Result<std::string> made = MakeToken();
  if (!made.ok()) return made;
  RETURN_IF_ERROR(WriteFileAtomically(path, *made + "\n", 0600));
  return made;
}

bool Guard::Allows(std::string_view authorization) const {
  bool right =
      authorization.size() == kScheme.size() + token_.size() && authorization.starts_with(kScheme);
  if (right) {
    unsigned different = 0;
    for (std::size_t i = 0; i < token_.size(); ++i) {
      different |= static_cast<unsigned char>(authorization[kScheme.size() + i]) ^
                   static_cast<unsigned char>(token_[i]);
    }
    right = different == 0;
  }
  if (!right) ++stats_.calls_unauthenticated;
  return right;
}

}  // namespace fusor
