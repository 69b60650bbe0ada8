#include "common/dataset/presence.h"

#include <optional>

#include "common/dataset/manifest.h"

namespace fusor {

namespace fs = std::filesystem;

namespace {

std::optional<std::uint64_t> SizeOf(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return std::nullopt;
  const std::uintmax_t bytes = fs::file_size(path, error);
  if (error) return std::nullopt;
  return bytes;
}

std::string WrongWith(const Manifest& manifest, const fs::path& folder) {
  for (const ManifestFile& file : manifest.files) {
    const std::optional<std::uint64_t> bytes = SizeOf(folder / file.name);
    if (!bytes) return file.name + " is missing";
    if (*bytes != file.bytes) {
      return file.name + " has " + std::to_string(*bytes) + " bytes, expected " +
             std::to_string(file.bytes);
    }
  }
  return "";
}

// Of a folder that somebody put there: it may be a subset.
std::string WrongWith(const KnownDataset& dataset, const fs::path& folder) {
  for (const DatasetFile& file : dataset.files) {
    if (!SizeOf(folder / file.name)) return file.name + " is missing";
  }
  return "";
}

}  // namespace

Presence PresenceOf(const KnownDataset& dataset, const fs::path& datasets) {
  const fs::path folder = datasets / dataset.folder;
  std::error_code error;
  if (!fs::is_directory(folder, error)) return {};
  const Result<std::optional<Manifest>> manifest = ReadManifest(datasets, dataset.folder);
  Presence presence;
  presence.fetched = manifest.ok() && manifest->has_value();
  presence.detail = !manifest.ok()     ? manifest.status().message()
                    : presence.fetched ? WrongWith(**manifest, folder)
                                       : WrongWith(dataset, folder);
  presence.kind = presence.detail.empty() ? PresenceKind::kPresent : PresenceKind::kDamaged;
  return presence;
}

fs::path DefaultDatasets(const std::string& fusor_data, const std::string& home) {
  if (!fusor_data.empty()) return fusor_data;
  return home.empty() ? fs::path() : fs::path(home) / ".fusor" / "datasets";
}

}  // namespace fusor
