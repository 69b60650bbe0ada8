#pragma once

// Reads zip archives of stored records, zip64 too. Nothing of the file is trusted: every record
// lies within the file, before the directory, and over no other; check sums are compared when a
// record is read. Compressed, encrypted and split archives are refused.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "trainer/io/zip_format.h"

namespace fusor {

class ZipReader {
 public:
  // `file` is a whole file, and outlives this. Messages begin with the offset.
  static Result<ZipReader> Parse(std::span<const std::byte> file);

  // By name, each once.
  std::span<const ZipRecord> records() const { return records_; }
  const ZipRecord* Find(std::string_view name) const;
  Result<std::span<const std::byte>> Read(const ZipRecord& record) const;

 private:
  explicit ZipReader(std::span<const std::byte> file) : file_(file) {}
  Result<ZipDirectory> FindDirectory() const;
  Result<ZipDirectory> FindDirectory64(std::size_t end) const;
  Status ReadDirectory(const ZipDirectory& directory);
  Status FindData(ZipRecord& record, std::uint64_t directory) const;
  Status CheckOverlaps() const;

  std::span<const std::byte> file_;
  std::vector<ZipRecord> records_;
};

}  // namespace fusor
