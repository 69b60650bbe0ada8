#pragma once

// Data sets of one's own: a file catalogue.json in the folder of the data sets adds to those that
// Fusor knows, or says where one of these is to be had in another form (a subset, a repacked
// archive).
//
//   {"flowers": {"address": "http://depot/flowers.tar.gz", "bytes": 1048576,
//                "checksum": "sha256:..."}}

#include <filesystem>
#include <vector>

#include "common/base/status.h"
#include "common/dataset/known_dataset.h"

namespace fusor {

// Those that Fusor knows, as the file changes them, and the file's own, by name. Without a file
// KnownDatasets().
Result<std::vector<KnownDataset>> ReadCatalogue(const std::filesystem::path& datasets);

}  // namespace fusor
