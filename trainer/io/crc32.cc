#include "trainer/io/crc32.h"

#include <array>
#include <cstring>

namespace fusor {
namespace {

constexpr std::size_t kStride = 16;
using Tables = std::array<std::array<std::uint32_t, 256>, kStride>;

// tables[k][b]: what byte b contributes when k more bytes follow it.
constexpr Tables MakeTables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t sum = byte;
    for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ ((sum & 1) != 0 ? 0xEDB88320U : 0);
    tables[0][byte] = sum;
  }
  for (std::size_t k = 1; k < kStride; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t sum = tables[k - 1][byte];
      tables[k][byte] = (sum >> 8) ^ tables[0][sum & 0xff];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

}  // namespace

std::uint32_t Crc32(std::span<const std::byte> bytes, std::uint32_t before) {
  std::uint32_t sum = ~before;
  const std::byte* next = bytes.data();
  std::size_t left = bytes.size();
  // Sixteen bytes at a time: their table look-ups do not wait for one another.
  for (; left >= kStride; next += kStride, left -= kStride) {
    std::array<std::uint8_t, kStride> block;
    std::memcpy(block.data(), next, kStride);
    for (std::size_t i = 0; i < 4; ++i) block[i] ^= static_cast<std::uint8_t>(sum >> (8 * i));
    sum = 0;
    for (std::size_t i = 0; i < kStride; ++i) sum ^= kTables[kStride - 1 - i][block[i]];
  }
  for (; left > 0; ++next, --left) {
    sum = (sum >> 8) ^ kTables[0][(sum ^ static_cast<std::uint8_t>(*next)) & 0xff];
  }
  return ~sum;
}

}  // namespace fusor
