#include "trainer/io/zip_format.h"

#include "trainer/io/byte_cursor.h"

namespace fusor {
namespace {

constexpr std::uint16_t kVersion = 20;    // plain
constexpr std::uint16_t kVersion64 = 45;  // with zip64 fields
constexpr std::uint16_t kUtf8Names = 0x0800;
constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kTime = 0;
constexpr std::uint16_t kDate = 0x0021;
constexpr std::uint16_t kPaddingExtra = 0x4246;  // "FB", as torch pads
constexpr std::size_t kExtraHead = 4;            // id and length

bool Is64(std::uint64_t value) { return value >= kZip32Max; }
std::uint32_t Field32(std::uint64_t value) {
  return Is64(value) ? kZip32Max : static_cast<std::uint32_t>(value);
}
std::uint16_t Field16(std::uint64_t value) {
  return value >= kZip16Max ? kZip16Max : static_cast<std::uint16_t>(value);
}

// What both headers of a record share, from the version to the name's length.
void AppendCommon(std::string& out, const ZipRecord& record, bool zip64) {
  AppendBytes(out, zip64 ? kVersion64 : kVersion);
  AppendBytes(out, kUtf8Names);
  AppendBytes(out, kStored);
  AppendBytes(out, kTime);
  AppendBytes(out, kDate);
  AppendBytes(out, record.crc);
  AppendBytes(out, Field32(record.size));
  AppendBytes(out, Field32(record.size));
  AppendBytes(out, static_cast<std::uint16_t>(record.name.size()));
}

}  // namespace

std::string ZipLocalHeader(ZipRecord& record) {
  std::string extra;
  if (Is64(record.size)) {
    AppendBytes(extra, kZip64Extra);
    AppendBytes(extra, std::uint16_t{16});
    AppendBytes(extra, record.size);
    AppendBytes(extra, record.size);
  }
  std::string out;
  AppendBytes(out, kZipLocalSignature);
  AppendCommon(out, record, Is64(record.size));
  const std::uint64_t unpadded =
      record.header + out.size() + 2 + record.name.size() + extra.size() + kExtraHead;
  const std::uint64_t padding = (kZipAlignment - unpadded % kZipAlignment) % kZipAlignment;
  AppendBytes(extra, kPaddingExtra);
  AppendBytes(extra, static_cast<std::uint16_t>(padding));
  extra.append(padding, 'Z');
  AppendBytes(out, static_cast<std::uint16_t>(extra.size()));
  out += record.name;
  out += extra;
  record.begin = record.header + out.size();
  return out;
}

std::string ZipCentralHeader(const ZipRecord& record) {
  std::string fields;
  if (Is64(record.size)) {
    AppendBytes(fields, record.size);
    AppendBytes(fields, record.size);
  }
  if (Is64(record.header)) AppendBytes(fields, record.header);
  std::string extra;
  if (!fields.empty()) {
    AppendBytes(extra, kZip64Extra);
    AppendBytes(extra, static_cast<std::uint16_t>(fields.size()));
    extra += fields;
  }
  std::string out;
  AppendBytes(out, kZipCentralSignature);
  AppendBytes(out, kVersion64);  // made by
  AppendCommon(out, record, !fields.empty());
  AppendBytes(out, static_cast<std::uint16_t>(extra.size()));
  AppendBytes(out, std::uint16_t{0});  // no comment
  AppendBytes(out, std::uint16_t{0});  // disk
  AppendBytes(out, std::uint16_t{0});  // attributes
  AppendBytes(out, std::uint32_t{0});
  AppendBytes(out, Field32(record.header));
  return out + record.name + extra;
}

std::string ZipEnd(const ZipDirectory& directory) {
  std::string out;
  const bool zip64 =
      directory.records >= kZip16Max || Is64(directory.begin) || Is64(directory.size);
  if (zip64) {
    AppendBytes(out, kZip64EndSignature);
    AppendBytes(out, std::uint64_t{44});  // what follows of this one
    AppendBytes(out, kVersion64);
    AppendBytes(out, kVersion64);
    AppendBytes(out, std::uint32_t{0});
    AppendBytes(out, std::uint32_t{0});
    AppendBytes(out, directory.records);
    AppendBytes(out, directory.records);
    AppendBytes(out, directory.size);
    AppendBytes(out, directory.begin);
    AppendBytes(out, kZip64LocatorSignature);
    AppendBytes(out, std::uint32_t{0});
    AppendBytes(out, directory.begin + directory.size);
    AppendBytes(out, std::uint32_t{1});
  }
  AppendBytes(out, kZipEndSignature);
  AppendBytes(out, std::uint16_t{0});
  AppendBytes(out, std::uint16_t{0});
  AppendBytes(out, Field16(directory.records));
  AppendBytes(out, Field16(directory.records));
  AppendBytes(out, Field32(directory.size));
  AppendBytes(out, Field32(directory.begin));
  AppendBytes(out, std::uint16_t{0});
  return out;
}

}  // namespace fusor
