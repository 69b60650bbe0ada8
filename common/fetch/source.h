#pragma once

// Where an archive is taken from: its own addresses, or a place that was given instead.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/dataset/known_dataset.h"

namespace fusor {

struct Source {
  std::string address;         // http or https; empty: a file of this machine
  std::filesystem::path file;  // used where it is, and left there

  // For people and for the manifest: without a name, password or query that it may hold.
  std::string Shown() const;
};

// `from` empty: the data set's own addresses. Else an address of the archive itself, or of a folder
// that has it under its own name (it ends in '/'), or a path to either.
Result<std::vector<Source>> SourcesOf(const KnownDataset& dataset, const std::string& from);

}  // namespace fusor
