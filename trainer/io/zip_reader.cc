#include "trainer/io/zip_reader.h"

#include <algorithm>
#include <string>

#include "common/base/limits.h"
#include "common/recipe/value.h"
#include "trainer/io/byte_cursor.h"
#include "trainer/io/crc32.h"

namespace fusor {
namespace {

constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kLocatorBytes = 20;
constexpr std::size_t kCentralBytes = 46;
constexpr std::size_t kEnd64Bytes = 56;
constexpr std::uint16_t kEncrypted = 0x0001;

// The fixed part of a record's central header.
struct [[gnu::packed]] Central {
  std::uint32_t signature;
  std::uint16_t made_by, version, flags, method, time, date;
  std::uint32_t crc, stored, size;
  std::uint16_t name, extra, comment, disk, attributes;
  std::uint32_t external;
  std::uint32_t header;
};
static_assert(sizeof(Central) == kCentralBytes);

struct [[gnu::packed]] Local {
  std::uint32_t signature;
  std::uint16_t version, flags, method, time, date;
  std::uint32_t crc, stored, size;
  std::uint16_t name, extra;
};
static_assert(sizeof(Local) == 30);

struct [[gnu::packed]] End {
  std::uint32_t signature;
  std::uint16_t disk, first_disk, records_here, records;
  std::uint32_t size, begin;
  std::uint16_t comment;
};
static_assert(sizeof(End) == kEndBytes);

struct [[gnu::packed]] Locator {
  std::uint32_t signature, disk;
  std::uint64_t end64;
  std::uint32_t disks;
};
static_assert(sizeof(Locator) == kLocatorBytes);

struct [[gnu::packed]] End64 {
  std::uint32_t signature;
  std::uint64_t left;
  std::uint16_t made_by, version;
  std::uint32_t disk, first_disk;
  std::uint64_t records_here, records, size, begin;
};
static_assert(sizeof(End64) == kEnd64Bytes);

Status At(std::uint64_t offset, const std::string& what) {
  return DataLoss("offset " + std::to_string(offset) + ": " + what);
}

// Takes the fields that did not fit from the zip64 part of `extra`; false when they are not there.
bool ReadZip64(std::span<const std::byte> extra, const Central& central, ZipRecord& record,
               std::uint64_t& stored) {
  ByteCursor cursor(extra);
  while (cursor.left() > 0) {
    const auto id = cursor.Read<std::uint16_t>();
    const auto length = cursor.Read<std::uint16_t>();
    if (!id || !length) return false;
    const auto part = cursor.Take(*length);
    if (!part) return false;
    if (*id != kZip64Extra) continue;
    ByteCursor fields(*part);
    auto widen = [&](std::uint32_t narrow, std::uint64_t& wide) {
      if (narrow != kZip32Max) return true;
      const auto value = fields.Read<std::uint64_t>();
      if (value) wide = *value;
      return value.has_value();
    };
    return widen(central.size, record.size) && widen(central.stored, stored) &&
           widen(central.header, record.header);
  }
  return central.size != kZip32Max && central.stored != kZip32Max && central.header != kZip32Max;
}

}  // namespace

Result<ZipReader> ZipReader::Parse(std::span<const std::byte> file) {
  ZipReader reader(file);
  auto directory = reader.FindDirectory();
  if (!directory.ok()) return directory.status();
  RETURN_IF_ERROR(reader.ReadDirectory(*directory));
  RETURN_IF_ERROR(reader.CheckOverlaps());
  auto& records = reader.records_;
  std::sort(records.begin(), records.end(),
            [](const ZipRecord& a, const ZipRecord& b) { return a.name < b.name; });
  for (std::size_t i = 1; i < records.size(); ++i) {
    if (records[i].name == records[i - 1].name) {
      return At(records[i].header, "a second record " + JsonQuote(records[i].name));
    }
  }
  return reader;
}

Result<ZipDirectory> ZipReader::FindDirectory() const {
  // The end record stands last, but for a comment of up to 64 KiB.
  for (std::size_t comment = 0; comment <= kZip16Max; ++comment) {
    if (file_.size() < kEndBytes + comment) break;
    const std::size_t at = file_.size() - kEndBytes - comment;
    const End end = *ByteCursor(file_, at).Read<End>();
    if (end.signature != kZipEndSignature || end.comment != comment) continue;
    if (end.disk != 0 || end.first_disk != 0 || end.records_here != end.records) {
      return At(at, "the archive is one part of several");
    }
    if (end.records == kZip16Max || end.begin == kZip32Max || end.size == kZip32Max) {
      return FindDirectory64(at);
    }
    const ZipDirectory directory{end.records, end.begin, end.size};
    if (directory.begin + directory.size > at) {
      return At(at, "the archive's directory lies beyond its end");
    }
    return directory;
  }
  return At(file_.size(), "no zip archive, or its end is missing");
}

Result<ZipDirectory> ZipReader::FindDirectory64(std::size_t end) const {
  if (end < kLocatorBytes) return At(end, "the zip64 locator is missing");
  const Locator locator = *ByteCursor(file_, end - kLocatorBytes).Read<Locator>();
  if (locator.signature != kZip64LocatorSignature) return At(end, "the zip64 locator is missing");
  const std::uint64_t at = locator.end64;
  if (at > end - kLocatorBytes || end - kLocatorBytes - at < kEnd64Bytes) {
    return At(end - kLocatorBytes, "points to " + std::to_string(at) + " for the zip64 end");
  }
  const End64 end64 = *ByteCursor(file_, at).Read<End64>();
  if (end64.signature != kZip64EndSignature) return At(at, "the zip64 end is missing");
  if (end64.disk != 0 || end64.first_disk != 0 || end64.records_here != end64.records) {
    return At(at, "the archive is one part of several");
  }
  if (end64.begin > at || end64.size > at - end64.begin) {
    return At(at, "the archive's directory lies beyond its end");
  }
  return ZipDirectory{end64.records, end64.begin, end64.size};
}

Status ZipReader::ReadDirectory(const ZipDirectory& directory) {
  if (directory.records > limits::kZipRecordsMax) {
    return ResourceExhausted("an archive of " + std::to_string(directory.records) +
                             " records; at most " + std::to_string(limits::kZipRecordsMax));
  }
  ByteCursor cursor(file_.first(directory.begin + directory.size), directory.begin);
  for (std::uint64_t i = 0; i < directory.records; ++i) {
    const std::size_t at = cursor.at();
    const auto central = cursor.Read<Central>();
    if (!central || central->signature != kZipCentralSignature) {
      return At(at, "the directory should have record " + std::to_string(i) + " here");
    }
    const auto name = cursor.TakeText(central->name);
    const auto extra = cursor.Take(central->extra);
    if (!name || !extra || !cursor.Take(central->comment)) {
      return At(at, "record " + std::to_string(i) + " leaves the directory");
    }
    const std::string quoted = "record " + JsonQuote(*name) + " ";
    if ((central->flags & kEncrypted) != 0) return At(at, quoted + "is encrypted");
    if (central->method != 0) return At(at, quoted + "is compressed");
    ZipRecord record{std::string(*name), central->header, 0, central->size, central->crc};
    std::uint64_t stored = central->stored;
    if (!ReadZip64(*extra, *central, record, stored)) {
      return At(at, quoted + "has a damaged zip64 field");
    }
    if (stored != record.size) return At(at, quoted + "has two sizes");
    RETURN_IF_ERROR(FindData(record, directory.begin));
    records_.push_back(std::move(record));
  }
  if (cursor.left() > 0) return At(cursor.at(), "more in the directory than its records");
  return Ok();
}

Status ZipReader::FindData(ZipRecord& record, std::uint64_t directory) const {
  const std::string quoted = "record " + JsonQuote(record.name) + " ";
  if (record.header > directory) return At(directory, quoted + "lies beyond the directory");
  ByteCursor cursor(file_.first(directory), record.header);
  const auto local = cursor.Read<Local>();
  if (!local || local->signature != kZipLocalSignature) {
    return At(record.header, quoted + "should begin here");
  }
  const auto name = cursor.TakeText(local->name);
  if (!name || *name != record.name || local->method != 0 || !cursor.Take(local->extra)) {
    return At(record.header, quoted + "is not what begins here");
  }
  record.begin = cursor.at();
  if (!cursor.Take(record.size)) {
    return At(record.begin, quoted + "has " + std::to_string(record.size) +
                                " bytes, more than there are before the directory");
  }
  return Ok();
}

Status ZipReader::CheckOverlaps() const {
  std::vector<const ZipRecord*> order;
  for (const ZipRecord& record : records_) order.push_back(&record);
  std::sort(order.begin(), order.end(),
            [](const ZipRecord* a, const ZipRecord* b) { return a->header < b->header; });
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (order[i]->header < order[i - 1]->begin + order[i - 1]->size) {
      return At(order[i]->header, "record " + JsonQuote(order[i]->name) + " lies over " +
                                      JsonQuote(order[i - 1]->name));
    }
  }
  return Ok();
}

const ZipRecord* ZipReader::Find(std::string_view name) const {
  auto found =
      std::lower_bound(records_.begin(), records_.end(), name,
                       [](const ZipRecord& record, std::string_view n) { return record.name < n; });
  return found == records_.end() || found->name != name ? nullptr : &*found;
}

Result<std::span<const std::byte>> ZipReader::Read(const ZipRecord& record) const {
  auto data = file_.subspan(record.begin, record.size);
  if (Crc32(data) != record.crc) {
    return At(record.begin,
              "record " + JsonQuote(record.name) + " is damaged: its check sum is wrong");
  }
  return data;
}

}  // namespace fusor
