#pragma once

// Makes archives for tests, good ones and such as nobody should unpack.

#include <string>
#include <vector>

#include "common/dataset/known_dataset.h"

namespace fusor::harness {

struct ArchiveEntry {
  enum class Kind { kFile, kFolder, kSymbolicLink, kHardLink, kFifo };

  std::string name;
  std::string content;  // of a file; where a link points
  Kind kind = Kind::kFile;
};

// A tar.gz or a zip, as bytes.
std::string MakeArchive(const std::vector<ArchiveEntry>& entries, Packing packing = Packing::kTar);

}  // namespace fusor::harness
