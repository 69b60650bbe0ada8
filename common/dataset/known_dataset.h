#pragma once

// The catalogue of data sets that can be fetched: each declared once, as data. Everything else
// about them (fetching, what a worker offers, `fusor data ls`) follows from here.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/dataset/checksum.h"

namespace fusor {

enum class Packing : std::uint8_t { kTar, kZip };  // a tar may be compressed by any usual means

struct DatasetFile {
  std::string name;         // below the data set's folder
  std::uint64_t bytes = 0;  // of the official one
};

struct KnownDataset {
  std::string name;
  std::string about;    // one line
  std::string licence;  // or the terms, in one line
  // Where the archive is, the official address first; the next one is tried when one fails.
  std::vector<std::string> addresses;
  Packing packing = Packing::kTar;
  std::uint64_t bytes = 0;  // of the archive
  Checksum checksum;        // of the archive
  std::uint64_t unpacked_bytes_max = 0;
  std::string folder;              // below the folder of all data sets
  std::vector<DatasetFile> files;  // what readers need, in the order of the fingerprint

  // "cifar-100-binary.tar.gz"
  std::string ArchiveName() const;
};

// What Fusor knows by itself.
const std::vector<KnownDataset>& KnownDatasets();

// Nullptr when there is none.
const KnownDataset* FindDataset(const std::vector<KnownDataset>& datasets, std::string_view name);

}  // namespace fusor
