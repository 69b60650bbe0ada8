#include "worker/process/datasets.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <string_view>

#include "common/dataset/known_dataset.h"
#include "common/dataset/manifest.h"
#include "common/dataset/own_datasets.h"
#include "common/dataset/presence.h"
#include "worker/system/file_hash.h"
#include "worker/system/files.h"

namespace fusor::agent {

namespace {

constexpr std::size_t kSampledFilesMax = 10'000;
constexpr std::size_t kSampleBytes = 64 << 10;
constexpr std::size_t kFilesMax = 5'000'000;

struct FileEntry {
  std::string name;  // below the data set's folder
  std::uint64_t bytes = 0;
  std::int64_t changed_ns = 0;
};

std::vector<FileEntry> ListFiles(const std::filesystem::path& folder) {
  std::vector<FileEntry> files;
  std::error_code error;
  const auto options = std::filesystem::directory_options::follow_directory_symlink |
                       std::filesystem::directory_options::skip_permission_denied;
  std::filesystem::recursive_directory_iterator at(folder, options, error);
  for (; !error && at != std::filesystem::recursive_directory_iterator(); at.increment(error)) {
    struct stat stats {};
    if (stat(at->path().c_str(), &stats) != 0 || !S_ISREG(stats.st_mode)) continue;
    files.push_back({.name = at->path().lexically_relative(folder),
                     .bytes = static_cast<std::uint64_t>(stats.st_size),
                     .changed_ns = stats.st_mtim.tv_sec * 1'000'000'000 + stats.st_mtim.tv_nsec});
    if (files.size() == kFilesMax) break;
  }
  std::sort(files.begin(), files.end(),
            [](const FileEntry& a, const FileEntry& b) { return a.name < b.name; });
  return files;
}

std::string SignatureOf(const std::vector<FileEntry>& files) {
  Sha256Stream stream;
  for (const FileEntry& file : files) {
    stream.Add(file.name + '\0' + std::to_string(file.bytes) + ' ' +
               std::to_string(file.changed_ns) + '\n');
  }
  return stream.Finish();
}

Status AddSample(const std::filesystem::path& path, std::uint64_t bytes, Sha256Stream& stream) {
  Result<UniqueFd> fd = OpenFile(path, O_RDONLY);
  if (!fd.ok()) return fd.status();
  std::string buffer(kSampleBytes, '\0');
  const std::uint64_t last = bytes > kSampleBytes ? bytes - kSampleBytes : 0;
  for (const std::uint64_t offset : {std::uint64_t{0}, last}) {
    const ssize_t count =
        pread(fd->get(), buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (count < 0) return SystemError("read", path);
    stream.Add({buffer.data(), static_cast<std::size_t>(count)});
    if (last == 0) break;
  }
  return Ok();
}

Result<std::string> FingerprintOf(const std::filesystem::path& folder,
                                  const std::vector<FileEntry>& files) {
  Sha256Stream stream;
  std::size_t sampled = 0;
  for (const FileEntry& file : files) {
    stream.Add(file.name + '\0' + std::to_string(file.bytes) + '\n');
    if (++sampled > kSampledFilesMax) continue;
    RETURN_IF_ERROR(AddSample(folder / file.name, file.bytes, stream));
  }
  return stream.Finish();
}

Result<std::string> FingerprintOf(const std::filesystem::path& folder, const KnownDataset& known) {
  Sha256Stream stream;
  for (const DatasetFile& file : known.files) {
    Result<FileDigest> digest = DigestFile(folder / file.name);
    if (!digest.ok()) return digest.status();
    stream.Add(digest->sha256 + "\n");
  }
  return stream.Finish();
}

std::map<std::string, std::string> ReadCache(const std::filesystem::path& cache) {
  std::map<std::string, std::string> fingerprints;  // by signature
  const Result<std::string> text = ReadWholeFile(cache);
  if (!text.ok()) return fingerprints;
  std::istringstream in(*text);
  for (std::string signature, fingerprint; in >> signature >> fingerprint;) {
    fingerprints[signature] = fingerprint;
  }
  return fingerprints;
}

std::vector<std::filesystem::path> Folders(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> folders;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename();
    std::error_code ignored;
    if (!name.starts_with('.') && entry.is_directory(ignored)) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

const KnownDataset* FindKnown(const std::filesystem::path& folder) {
  for (const KnownDataset& known : KnownDatasets()) {
    if (folder.filename() == known.folder) return &known;
  }
  return nullptr;
}

// The archive that the folder's manifest names, if its files are still what came from there: by
// contents where these were hashed, else by sizes. Empty when there is no manifest.
std::string ArchiveOf(const std::filesystem::path& folder, const std::vector<FileEntry>& files,
                      const KnownDataset* known, const std::string& fingerprint) {
  const auto manifest = ReadManifest(folder.parent_path(), folder.filename().string());
  if (!manifest.ok() || !manifest->has_value()) return "";
  const Manifest& fetched = **manifest;
  if (known != nullptr) {
    Sha256Stream stream;
    for (const DatasetFile& file : known->files) {
      const ManifestFile* entry = fetched.Find(file.name);
      stream.Add((entry == nullptr ? "" : entry->sha256) + "\n");
    }
    return stream.Finish() == fingerprint ? fetched.archive : "";
  }
  const bool same = std::equal(files.begin(), files.end(), fetched.files.begin(),
                               fetched.files.end(), [](const FileEntry& a, const ManifestFile& b) {
                                 return a.name == b.name && a.bytes == b.bytes;
                               });
  return same ? fetched.archive : "";
}

}  // namespace

std::vector<DatasetInfo> ScanDatasets(const std::filesystem::path& directory,
                                      const std::filesystem::path& cache) {
  std::vector<DatasetInfo> datasets;
  const std::map<std::string, std::string> before = ReadCache(cache);
  std::string cached;
  for (const std::filesystem::path& folder : Folders(directory)) {
    const std::vector<FileEntry> files = ListFiles(folder);
    if (files.empty()) continue;
    const KnownDataset* known = FindKnown(folder);
    const std::string name = known != nullptr ? known->name : folder.filename().string();
    const std::string signature = name + "/" + SignatureOf(files);
    const auto found = before.find(signature);
    Result<std::string> fingerprint = found != before.end() ? Result<std::string>(found->second)
                                      : known != nullptr    ? FingerprintOf(folder, *known)
                                                            : FingerprintOf(folder, files);
    if (!fingerprint.ok()) continue;  // not whole, or not readable
    cached += signature + " " + *fingerprint + "\n";
    datasets.push_back({.name = name,
                        .fingerprint = *fingerprint,
                        .archive = ArchiveOf(folder, files, known, *fingerprint)});
  }
  // Only saves work at the next start, so it may fail.
  if (!datasets.empty()) static_cast<void>(WriteFileAtomically(cache, cached).ok());
  return datasets;
}

Status AddFetchable(const std::filesystem::path& directory, std::vector<DatasetInfo>& datasets) {
  const Result<std::vector<KnownDataset>> known = ReadCatalogue(directory);
  if (!known.ok()) return known.status();
  for (const KnownDataset& set : *known) {
    const bool here = std::any_of(datasets.begin(), datasets.end(),
                                  [&](const DatasetInfo& each) { return each.name == set.name; });
    const Presence presence = PresenceOf(set, directory);
    const bool blocked = presence.kind == PresenceKind::kDamaged && !presence.fetched;
    if (here || blocked) continue;
    datasets.push_back(
        {.name = set.name, .fingerprint = {}, .archive = ChecksumText(set.checksum)});
  }
  return Ok();
}

std::string DatasetsSignature(const std::filesystem::path& directory) {
  Sha256Stream stream;
  stream.Add(ReadLine(directory / "catalogue.json") + '\n');
  for (const std::filesystem::path& folder : Folders(directory)) {
    stream.Add(folder.string() + '\n' + SignatureOf(ListFiles(folder)));
  }
  return stream.Finish();
}

}  // namespace fusor::agent
