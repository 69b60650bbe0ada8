#pragma once

// The data sets under --datasets: one folder each.
//
// A data set that Fusor knows by name (common/dataset/known_dataset.h) is offered when its files
// are there, under the fingerprint that the trainer computes itself: the sha256 of its files'
// sha256 lines. Any other folder is offered by its own name; its fingerprint covers the names and
// sizes of all its files and the first and last 64 KiB of (at most 10,000 of) them. Both are the
// same on every machine that has the same files; neither depends on times.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/session.h"
#include "common/base/status.h"

namespace fusor::agent {

// `cache` is a file that remembers fingerprints of files that have not changed since.
std::vector<DatasetInfo> ScanDatasets(const std::filesystem::path& directory,
                                      const std::filesystem::path& cache);

// Adds those of the catalogue that are not there and can be fetched, as such.
Status AddFetchable(const std::filesystem::path& directory, std::vector<DatasetInfo>& datasets);

// Changes whenever a file below the directory comes, goes or changes; cheap.
std::string DatasetsSignature(const std::filesystem::path& directory);

}  // namespace fusor::agent
