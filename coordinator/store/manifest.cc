#include "coordinator/store/manifest.h"

#include <fcntl.h>

#include <array>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/store/file.h"
#include "coordinator/store/json_list.h"

namespace fusor {

namespace {

constexpr std::string_view kName = "manifest.json";
constexpr std::string_view kFormat = "1";

Result<std::string> ReadText(const std::filesystem::path& path) {
  const Result<File> file = File::Open(path, O_RDONLY);
  if (!file.ok()) return file.status();
  std::array<char, 4'096> buffer{};
  const Result<std::size_t> got = file->ReadAt(0, buffer);
  if (!got.ok()) return got.status();
  std::string text(buffer.data(), *got);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace

Status WriteManifest(const std::filesystem::path& directory, const Manifest& manifest) {
  const std::map<std::string, std::string> pairs = {
      {"format", std::string(kFormat)},
      {"cluster_id", manifest.cluster_id},
      {"generation", std::to_string(manifest.generation)},
      {"state_sha256", manifest.state_sha256},
      {"metrics_sha256", manifest.metrics_sha256},
      {"artifacts", manifest.has_artifacts ? "yes" : "no"},
  };
  const std::filesystem::path temporary = directory / "manifest.part";
  const Result<File> file = File::Open(temporary, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file.ok()) return file.status();
  RETURN_IF_ERROR(file->WriteAt(0, ToJson(pairs) + "\n"));
  RETURN_IF_ERROR(file->Sync());
  return RenameDurably(temporary, directory / kName);
}

Result<Manifest> ReadManifest(const std::filesystem::path& directory) {
  const Result<std::string> text = ReadText(directory / kName);
  if (!text.ok()) {
    if (text.status().code() != Code::kNotFound) return text.status();
    return FailedPrecondition(directory.string() +
                              " is no complete backup: it has no manifest.json");
  }
  const Result<std::map<std::string, std::string>> pairs = PairsFromJson(*text);
  if (!pairs.ok()) return DataLoss((directory / kName).string() + " is damaged");
  const auto value = [&](const std::string& key) {
    const auto found = pairs->find(key);
    return found == pairs->end() ? std::string() : found->second;
  };
  if (value("format") != kFormat) {
    return FailedPrecondition(directory.string() + " is a backup in format '" + value("format") +
                              "', this program reads 1: use the fusord that made it");
  }
  Manifest manifest;
  manifest.cluster_id = value("cluster_id");
  manifest.state_sha256 = value("state_sha256");
  manifest.metrics_sha256 = value("metrics_sha256");
  manifest.has_artifacts = value("artifacts") == "yes";
  const Result<std::vector<std::int64_t>> generation = NumbersFromJson(value("generation"));
  if (!generation.ok() || generation->size() != 1) {
    return DataLoss((directory / kName).string() + " is damaged");
  }
  manifest.generation = static_cast<std::uint64_t>(generation->front());
  return manifest;
}

}  // namespace fusor
