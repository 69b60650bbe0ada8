#pragma once

// Keys of counter-based draws that belong to something with a name.

#include <cstdint>
#include <string_view>

#include "common/base/random.h"

namespace fusor {

// A key that depends on every letter.
inline std::uint64_t DrawKey(std::uint64_t seed, std::string_view name) {
  std::uint64_t key = Mix(seed, name.size());
  for (const char letter : name) key = Mix(key, static_cast<unsigned char>(letter));
  return key;
}

}  // namespace fusor
