#include "common/dataset/manifest.h"

#include <fstream>
#include <iterator>

#include "common/text/json.h"

namespace fusor {

namespace {

Result<std::string> Text(const Json& json, std::string_view key) {
  const Json* value = json.Find(key);
  if (value != nullptr && value->kind == Json::Kind::kText) return value->text;
  return DataLoss("expected a text under \"" + std::string(key) + "\"");
}

Result<ManifestFile> ParseFile(const Json& json) {
  ManifestFile file;
  const Result<std::string> name = Text(json, "name");
  const Result<std::string> sha256 = Text(json, "sha256");
  const Json* bytes = json.Find("bytes");
  if (!name.ok()) return name.status();
  if (!sha256.ok()) return sha256.status();
  if (bytes == nullptr || bytes->kind != Json::Kind::kInt || bytes->integer < 0) {
    return DataLoss("expected the size of " + *name + " under \"bytes\"");
  }
  return ManifestFile{*name, static_cast<std::uint64_t>(bytes->integer), *sha256};
}

Result<Manifest> ParseManifest(const std::string& text) {
  const Result<Json> json = ParseJson(text);
  if (!json.ok()) return json.status();
  Manifest manifest;
  for (const auto& [key, to] : {std::pair{"dataset", &manifest.dataset},
                                {"archive", &manifest.archive},
                                {"address", &manifest.address}}) {
    Result<std::string> value = Text(*json, key);
    if (!value.ok()) return value.status();
    *to = std::move(*value);
  }
  const Json* files = json->Find("files");
  if (files == nullptr || files->kind != Json::Kind::kArray) {
    return DataLoss("expected a list under \"files\"");
  }
  for (const Json& each : files->items) {
    Result<ManifestFile> file = ParseFile(each);
    if (!file.ok()) return file.status();
    manifest.files.push_back(std::move(*file));
  }
  return manifest;
}

}  // namespace

const ManifestFile* Manifest::Find(std::string_view name) const {
  for (const ManifestFile& file : files) {
    if (file.name == name) return &file;
  }
  return nullptr;
}

std::filesystem::path ManifestPath(const std::filesystem::path& datasets, std::string_view folder) {
  return datasets / (std::string(folder) + ".manifest.json");
}

std::string ManifestText(const Manifest& manifest) {
  JsonWriter json;
  json.BeginObject();
  json.Key("dataset").Text(manifest.dataset);
  json.Key("archive").Text(manifest.archive);
  json.Key("address").Text(manifest.address);
  json.Key("files").BeginArray();
  for (const ManifestFile& file : manifest.files) {
    json.BeginObject();
    json.Key("name").Text(file.name);
    json.Key("bytes").Int(static_cast<std::int64_t>(file.bytes));
    json.Key("sha256").Text(file.sha256);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
  return json.Take() + "\n";
}

Result<std::optional<Manifest>> ReadManifest(const std::filesystem::path& datasets,
                                             std::string_view folder) {
  const std::filesystem::path path = ManifestPath(datasets, folder);
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::optional<Manifest>();
  const std::string text(std::istreambuf_iterator<char>(in), {});
  Result<Manifest> manifest = ParseManifest(text);
  if (manifest.ok()) return std::optional<Manifest>(std::move(*manifest));
  return DataLoss(path.string() + ": " + manifest.status().message() +
                  "; remove it, and it counts no more");
}

}  // namespace fusor
