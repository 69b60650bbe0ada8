#pragma once

// Writes a zip archive of stored records, each at a multiple of 64 bytes, as torch's archives have
// them. The archive's bytes depend on names and contents alone.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "trainer/io/atomic_file.h"
#include "trainer/io/zip_format.h"

namespace fusor {

class ZipWriter {
 public:
  // `file` is empty and outlives this.
  explicit ZipWriter(AtomicFile& file) : file_(file) {}

  Status Add(const std::string& name, std::span<const std::byte> data);
  Status Add(const std::string& name, std::string_view text);
  // Writes the directory; the file is still to be committed.
  Status Finish();

 private:
  AtomicFile& file_;
  std::uint64_t at_ = 0;
  std::uint64_t records_ = 0;
  std::string directory_;
};

}  // namespace fusor
