#include "common/dataset/own_datasets.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "common/text/json.h"

namespace fusor {

namespace {

constexpr std::string_view kFile = "catalogue.json";
// Nothing is known of the contents: bounds what a broken archive may fill.
constexpr std::uint64_t kUnpackedPerByte = 20;
constexpr std::uint64_t kUnpackedAtLeast = 1ULL << 30;

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= 100 && name.front() != '.' &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
             std::string_view::npos;
}

Status SetText(const Json& value, const std::string& key, std::string& to) {
  if (value.kind != Json::Kind::kText) return InvalidArgument(key + " must be a text");
  to = value.text;
  return Ok();
}

Status SetMember(const std::string& key, const Json& value, KnownDataset& set) {
  if (key == "about") return SetText(value, key, set.about);
  if (key == "licence") return SetText(value, key, set.licence);
  if (key == "address") {
    set.addresses.resize(1);
    return SetText(value, key, set.addresses.front());
  }
  if (key == "bytes") {
    if (value.kind != Json::Kind::kInt || value.integer < 1) {
      return InvalidArgument("bytes must be a number above 0");
    }
    set.bytes = static_cast<std::uint64_t>(value.integer);
    return Ok();
  }
  if (key == "checksum") {
    std::string text;
    RETURN_IF_ERROR(SetText(value, key, text));
    Result<Checksum> checksum = ParseChecksum(text);
    if (!checksum.ok()) return checksum.status();
    set.checksum = std::move(*checksum);
    return Ok();
  }
  return InvalidArgument("no key '" + key +
                         "'; known are about, licence, address, bytes and checksum");
}

Status Read(const Json::Member& member, KnownDataset& set) {
  if (!IsName(member.name))
    return InvalidArgument("a name has letters, digits, _, - and dots only");
  if (member.value.kind != Json::Kind::kObject) return InvalidArgument("must be an object");
  for (const char* key : {"address", "bytes", "checksum"}) {
    if (member.value.Find(key) == nullptr) return InvalidArgument(std::string(key) + " is missing");
  }
  set.name = member.name;
  if (set.folder.empty()) set.folder = member.name;
  for (const Json::Member& each : member.value.members) {
    RETURN_IF_ERROR(SetMember(each.name, each.value, set));
  }
  set.packing = set.ArchiveName().ends_with(".zip") ? Packing::kZip : Packing::kTar;
  set.unpacked_bytes_max = std::max(set.bytes * kUnpackedPerByte, kUnpackedAtLeast);
  return Ok();
}

Status Add(const Json& json, std::vector<KnownDataset>& datasets) {
  if (json.kind != Json::Kind::kObject) return InvalidArgument("must be an object of data sets");
  for (const Json::Member& member : json.members) {
    const auto known =
        std::find_if(datasets.begin(), datasets.end(),
                     [&](const KnownDataset& each) { return each.name == member.name; });
    KnownDataset set = known == datasets.end() ? KnownDataset() : *known;
    const Status status = Read(member, set);
    if (!status.ok()) return InvalidArgument(member.name + ": " + status.message());
    if (known == datasets.end()) {
      datasets.push_back(std::move(set));
    } else {
      *known = std::move(set);
    }
  }
  return Ok();
}

}  // namespace

Result<std::vector<KnownDataset>> ReadCatalogue(const std::filesystem::path& datasets) {
  std::vector<KnownDataset> all = KnownDatasets();
  const std::filesystem::path path = datasets / kFile;
  std::ifstream in(path, std::ios::binary);
  if (!in) return all;
  const std::string text(std::istreambuf_iterator<char>(in), {});
  const Result<Json> json = ParseJson(text);
  const Status status = json.ok() ? Add(*json, all) : json.status();
  if (!status.ok()) return InvalidArgument(path.string() + ": " + status.message());
  std::stable_sort(all.begin(), all.end(),
                   [](const KnownDataset& a, const KnownDataset& b) { return a.name < b.name; });
  return all;
}

}  // namespace fusor
