#include "worker/process/datasets.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <map>
#include <sstream>
#include <string_view>

#include "worker/system/file_hash.h"
#include "worker/system/files.h"

namespace fusor::agent {

namespace {

struct Known {
  std::string_view name;
  std::string_view folder;
  std::vector<std::string_view> files;
};

const std::array<Known, 2>& KnownSets() {
  static const std::array<Known, 2> known = {{
      {"cifar10",
       "cifar-10-batches-bin",
       {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
        "data_batch_5.bin", "test_batch.bin"}},
      {"cifar100", "cifar-100-binary", {"train.bin", "test.bin"}},
  }};
  return known;
}

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

Result<std::string> FingerprintOf(const std::filesystem::path& folder, const Known& known) {
  Sha256Stream stream;
  for (const std::string_view file : known.files) {
    Result<FileDigest> digest = DigestFile(folder / file);
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

const Known* FindKnown(const std::filesystem::path& folder) {
  for (const Known& known : KnownSets()) {
    if (folder.filename() == known.folder) return &known;
  }
  return nullptr;
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
    const Known* known = FindKnown(folder);
    const std::string name =
        known != nullptr ? std::string(known->name) : folder.filename().string();
    const std::string signature = name + "/" + SignatureOf(files);
    const auto found = before.find(signature);
    Result<std::string> fingerprint = found != before.end() ? Result<std::string>(found->second)
                                      : known != nullptr    ? FingerprintOf(folder, *known)
                                                            : FingerprintOf(folder, files);
    if (!fingerprint.ok()) continue;  // not whole, or not readable
    cached += signature + " " + *fingerprint + "\n";
    datasets.push_back({.name = name, .fingerprint = *fingerprint});
  }
  // Only saves work at the next start, so it may fail.
  if (!datasets.empty()) static_cast<void>(WriteFileAtomically(cache, cached).ok());
  return datasets;
}

std::string DatasetsSignature(const std::filesystem::path& directory) {
  Sha256Stream stream;
  for (const std::filesystem::path& folder : Folders(directory)) {
    stream.Add(folder.string() + '\n' + SignatureOf(ListFiles(folder)));
  }
  return stream.Finish();
}

}  // namespace fusor::agent
