#pragma once

// The headers of a zip archive of stored (uncompressed) records, as bytes. Sizes and positions that
// do not fit into 32 bits go into zip64 fields. Dates are 1980-01-01: equal contents make equal
// archives.

#include <cstddef>
#include <cstdint>
#include <string>

namespace fusor {

struct ZipRecord {
  std::string name;
  std::uint64_t header = 0;  // where the local header stands in the file
  std::uint64_t begin = 0;   // of the data
  std::uint64_t size = 0;
  std::uint32_t crc = 0;
};

// Where torch's archives have their data: at multiples of this.
inline constexpr std::uint64_t kZipAlignment = 64;

// Sets record.begin; record.header, name, size and crc are given.
std::string ZipLocalHeader(ZipRecord& record);
std::string ZipCentralHeader(const ZipRecord& record);

struct ZipDirectory {
  std::uint64_t records = 0;
  std::uint64_t begin = 0;  // of the central headers
  std::uint64_t size = 0;
};
// What follows the central headers.
std::string ZipEnd(const ZipDirectory& directory);

inline constexpr std::uint32_t kZipLocalSignature = 0x04034b50;
inline constexpr std::uint32_t kZipCentralSignature = 0x02014b50;
inline constexpr std::uint32_t kZipEndSignature = 0x06054b50;
inline constexpr std::uint32_t kZip64EndSignature = 0x06064b50;
inline constexpr std::uint32_t kZip64LocatorSignature = 0x07064b50;
inline constexpr std::uint16_t kZip64Extra = 0x0001;
inline constexpr std::uint32_t kZip32Max = 0xffffffff;  // means: see the zip64 field
inline constexpr std::uint16_t kZip16Max = 0xffff;

}  // namespace fusor
