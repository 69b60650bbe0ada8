#pragma once

// The check sum of zip archives (polynomial 0xEDB88320).

#include <cstddef>
#include <cstdint>
#include <span>

namespace fusor {

// `before` is the sum of what came before these bytes.
std::uint32_t Crc32(std::span<const std::byte> bytes, std::uint32_t before = 0);

}  // namespace fusor
