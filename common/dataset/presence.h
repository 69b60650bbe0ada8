#pragma once

// Is a data set here? By names and sizes; contents are compared by those who read them.

#include <cstdint>
#include <filesystem>
#include <string>

#include "common/dataset/known_dataset.h"

namespace fusor {

enum class PresenceKind : std::uint8_t { kAbsent, kPresent, kDamaged };

struct Presence {
  PresenceKind kind = PresenceKind::kAbsent;
  bool fetched = false;  // Fusor wrote it, and may write it again; else somebody put it there
  std::string detail;    // what is wrong with a damaged one: "test.bin is missing"
};

Presence PresenceOf(const KnownDataset& dataset, const std::filesystem::path& datasets);

// Where data sets lie unless one says otherwise: FUSOR_DATA, else .fusor/datasets in the home
// folder. Empty when neither is known.
std::filesystem::path DefaultDatasets(const std::string& fusor_data, const std::string& home);

}  // namespace fusor
