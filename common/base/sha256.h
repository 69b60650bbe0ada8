#pragma once

// SHA-256 for the pure parts (config hashes); bulk files are hashed by OpenSSL at the edges.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fusor {

// The digest in lower-case hex.
std::string Sha256Hex(std::string_view bytes);

}  // namespace fusor
