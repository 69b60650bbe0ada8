#include "common/dataset/checksum.h"

#include <algorithm>
#include <cctype>

namespace fusor {

namespace {

constexpr std::size_t kMd5Digits = 32;
constexpr std::size_t kSha256Digits = 64;

std::size_t DigitsOf(ChecksumKind kind) {
  return kind == ChecksumKind::kMd5 ? kMd5Digits : kSha256Digits;
}

}  // namespace

std::string_view ChecksumName(ChecksumKind kind) {
  return kind == ChecksumKind::kMd5 ? "md5" : "sha256";
}

std::string ChecksumText(const Checksum& checksum) {
  return std::string(ChecksumName(checksum.kind)) + ":" + checksum.hex;
}

Result<Checksum> ParseChecksum(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view kind = colon == std::string_view::npos ? "" : text.substr(0, colon);
  Checksum checksum;
  checksum.hex = colon == std::string_view::npos ? text : text.substr(colon + 1);
  std::transform(checksum.hex.begin(), checksum.hex.end(), checksum.hex.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  checksum.kind = kind == "md5" || (kind.empty() && checksum.hex.size() == kMd5Digits)
                      ? ChecksumKind::kMd5
                      : ChecksumKind::kSha256;
  const bool known = kind.empty() || kind == ChecksumName(checksum.kind);
  if (known && checksum.hex.size() == DigitsOf(checksum.kind) &&
      checksum.hex.find_first_not_of("0123456789abcdef") == std::string::npos) {
    return checksum;
  }
  return InvalidArgument("'" + std::string(text) +
                         "' is no checksum: expected md5: and 32 or sha256: and 64 hex digits");
}

}  // namespace fusor
