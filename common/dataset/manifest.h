#pragma once

// What `fusor data fetch` wrote down beside a data set's folder, in FOLDER.manifest.json: which
// archive it is from, and every file with its size and sha256. A folder that somebody put there by
// hand has none.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/dataset/known_dataset.h"

namespace fusor {

struct ManifestFile {
  std::string name;  // below the data set's folder
  std::uint64_t bytes = 0;
  std::string sha256;

  friend bool operator==(const ManifestFile&, const ManifestFile&) = default;
};

struct Manifest {
  std::string dataset;
  std::string archive;  // ChecksumText of the archive
  std::string address;  // where it came from
  std::vector<ManifestFile> files;

  const ManifestFile* Find(std::string_view name) const;

  friend bool operator==(const Manifest&, const Manifest&) = default;
};

std::filesystem::path ManifestPath(const std::filesystem::path& datasets, std::string_view folder);

std::string ManifestText(const Manifest& manifest);

// Nothing when there is none. A damaged one is an error that names it.
Result<std::optional<Manifest>> ReadManifest(const std::filesystem::path& datasets,
                                             std::string_view folder);

}  // namespace fusor
