#pragma once

// A checksum as archives of data sets are published with: "md5:0123..." or "sha256:0123...".

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace fusor {

enum class ChecksumKind : std::uint8_t { kMd5, kSha256 };

struct Checksum {
  ChecksumKind kind = ChecksumKind::kSha256;
  std::string hex;  // lower case

  friend bool operator==(const Checksum&, const Checksum&) = default;
};

std::string_view ChecksumName(ChecksumKind kind);

// "md5:0123...": also the name under which a copy is compared with others.
std::string ChecksumText(const Checksum& checksum);

// The other way. The kind may be left out: the digest's length tells it.
Result<Checksum> ParseChecksum(std::string_view text);

}  // namespace fusor
