#include "common/fetch/fetch.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "common/dataset/manifest.h"
#include "common/dataset/presence.h"
#include "common/fetch/digest.h"
#include "common/fetch/download.h"
#include "common/fetch/fetch_lock.h"
#include "common/fetch/file.h"
#include "common/fetch/source.h"
#include "common/fetch/unpack.h"

namespace fusor {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kPartDigits = 12;

// The checksum is in the name: what was begun of one archive is not gone on with as another.
fs::path PartPath(const KnownDataset& dataset, const fs::path& datasets) {
  return datasets / ".fetch" /
         (dataset.name + "-" + dataset.checksum.hex.substr(0, kPartDigits) + ".part");
}

void RemoveTree(const fs::path& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

class Fetching {
 public:
  Fetching(const KnownDataset& dataset, const FetchOptions& options)
      : dataset_(dataset),
        options_(options),
        folder_(options.datasets / dataset.folder),
        work_(options.datasets / ".fetch"),
        part_(PartPath(dataset, options.datasets)),
        unpacked_(work_ / (dataset.name + ".unpacked")) {}

  Result<Fetched> Run();

 private:
  // What there is to say without fetching anything; nothing when it is to be fetched.
  std::optional<Result<Fetched>> Settled() const;
  Status CheckRoom() const;
  Status FetchFrom(const Source& source);
  Result<fs::path> Archive(const Source& source);
  Status Verify(const fs::path& archive, const Source& source) const;
  Status UnpackFrom(const fs::path& archive, const Source& source);
  Result<fs::path> TopOf(std::vector<ManifestFile>& files) const;
  Status MoveIntoPlace(const fs::path& top, const Manifest& manifest);
  void Tell(FetchPhase phase, std::uint64_t done) const {
    if (options_.progress) options_.progress({phase, done, dataset_.bytes});
  }
  std::function<void(std::uint64_t)> Teller(FetchPhase phase) const {
    return [this, phase](std::uint64_t done) { Tell(phase, std::min(done, dataset_.bytes)); };
  }

  const KnownDataset& dataset_;
  const FetchOptions& options_;
  const fs::path folder_;
  const fs::path work_;
  const fs::path part_;
  const fs::path unpacked_;
  Fetched fetched_;
};

std::optional<Result<Fetched>> Fetching::Settled() const {
  const Presence presence = PresenceOf(dataset_, options_.datasets);
  switch (presence.kind) {
    case PresenceKind::kAbsent:
      return std::nullopt;
    case PresenceKind::kPresent:
      return Fetched{.was_there = true, .folder = folder_, .from = {}, .files = 0, .bytes = 0};
    case PresenceKind::kDamaged:
      break;
  }
  if (presence.fetched) return std::nullopt;
  return FailedPrecondition(folder_.string() + " is there, but " + presence.detail +
                            ", and fusor did not put it there: move it away, then fetch again");
}

Status Fetching::CheckRoom() const {
  std::error_code error;
  const fs::space_info space = fs::space(options_.datasets, error);
  if (error) return Ok();
  std::uint64_t unpacked = 0;
  for (const DatasetFile& file : dataset_.files) unpacked += file.bytes;
  const std::uint64_t begun = BytesBegun(dataset_, options_.datasets);
  const std::uint64_t needed =
      dataset_.bytes - std::min(begun, dataset_.bytes) + std::max(unpacked, dataset_.bytes);
  if (needed <= space.available) return Ok();
  return ResourceExhausted(options_.datasets.string() + ": " + dataset_.name + " needs " +
                           std::to_string(needed) + " bytes, " + std::to_string(space.available) +
                           " are free; make room there, or choose another folder with --datasets");
}

Result<Fetched> Fetching::Run() {
  if (auto settled = Settled()) return *settled;
  const Result<std::vector<Source>> sources = SourcesOf(dataset_, options_.from);
  if (!sources.ok()) return sources.status();
  if (sources->empty()) {
    return InvalidArgument(dataset_.name + " has no address: say --from ADDRESS");
  }
  RETURN_IF_ERROR(MakeFolder(options_.datasets));
  const auto lock = FetchLock::Take(work_ / (dataset_.name + ".lock"), options_.stop,
                                    [this] { Tell(FetchPhase::kWaiting, 0); });
  if (!lock.ok()) return lock.status();
  if (auto settled = Settled()) return *settled;  // by whom we waited for
  RemoveTree(unpacked_);                          // of a run that was killed
  RETURN_IF_ERROR(CheckRoom());
  Status status;
  for (const Source& source : *sources) {
    status = FetchFrom(source);
    if (status.ok()) return fetched_;
    if (options_.stop.stop_requested() || status.code() == Code::kResourceExhausted) break;
  }
  return status;
}

Status Fetching::FetchFrom(const Source& source) {
  const bool was_begun = source.file.empty() && BytesBegun(dataset_, options_.datasets) > 0;
  Result<fs::path> archive = Archive(source);
  if (!archive.ok()) return archive.status();
  Status verified = Verify(*archive, source);
  if (verified.code() == Code::kDataLoss && was_begun) {
    // The bytes of the earlier run may be of another version of the file.
    unlink(part_.c_str());
    archive = Archive(source);
    if (!archive.ok()) return archive.status();
    verified = Verify(*archive, source);
  }
  if (verified.code() == Code::kDataLoss && source.file.empty()) unlink(part_.c_str());
  RETURN_IF_ERROR(verified);
  Status unpacked = UnpackFrom(*archive, source);
  RemoveTree(unpacked_);
  // A full disk and an interruption leave the archive: it is whole.
  const bool again = unpacked.code() == Code::kResourceExhausted || options_.stop.stop_requested();
  if (!again) unlink(part_.c_str());
  return unpacked;
}

Result<fs::path> Fetching::Archive(const Source& source) {
  if (!source.file.empty()) return source.file;
  RETURN_IF_ERROR(Download({.source = source,
                            .part = part_,
                            .bytes = dataset_.bytes,
                            .what = dataset_.name,
                            .stop = options_.stop,
                            .progress = Teller(FetchPhase::kDownloading),
                            .retry_wait = options_.retry_wait}));
  return part_;
}

Status Fetching::Verify(const fs::path& archive, const Source& source) const {
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(archive, error);
  if (!error && bytes != dataset_.bytes) {
    return DataLoss(dataset_.name + " from " + source.Shown() + " has " + std::to_string(bytes) +
                    " bytes, expected " + std::to_string(dataset_.bytes) + "; it was not unpacked");
  }
  const Result<std::string> digest =
      DigestOf(archive, dataset_.checksum.kind, options_.stop, Teller(FetchPhase::kChecking));
  if (!digest.ok()) return digest.status();
  if (*digest == dataset_.checksum.hex) return Ok();
  return DataLoss(dataset_.name + " from " + source.Shown() + " has " +
                  std::string(ChecksumName(dataset_.checksum.kind)) + " " + *digest +
                  ", expected " + dataset_.checksum.hex +
                  ": damaged, or another version; it was not unpacked, try another --from");
}

Status Fetching::UnpackFrom(const fs::path& archive, const Source& source) {
  RETURN_IF_ERROR(MakeFolder(unpacked_));
  Result<std::vector<ManifestFile>> files = Unpack({.archive = archive,
                                                    .folder = unpacked_,
                                                    .packing = dataset_.packing,
                                                    .bytes_max = dataset_.unpacked_bytes_max,
                                                    .stop = options_.stop,
                                                    .progress = Teller(FetchPhase::kUnpacking)});
  if (!files.ok()) return files.status();
  const Result<fs::path> top = TopOf(*files);
  if (!top.ok()) return top.status();
  fetched_ = {.was_there = false,
              .folder = folder_,
              .from = source.Shown(),
              .files = files->size(),
              .bytes = 0};
  for (const ManifestFile& file : *files) fetched_.bytes += file.bytes;
  return MoveIntoPlace(*top, {.dataset = dataset_.name,
                              .archive = ChecksumText(dataset_.checksum),
                              .address = source.Shown(),
                              .files = std::move(*files)});
}

// The archive's one folder that holds everything, whatever its name, else its root. Names of files
// are made relative to it.
Result<fs::path> Fetching::TopOf(std::vector<ManifestFile>& files) const {
  if (files.empty()) return DataLoss(dataset_.name + ": the archive holds no file");
  const std::string first = files.front().name.substr(0, files.front().name.find('/') + 1);
  const bool one = !first.empty() && std::all_of(files.begin(), files.end(), [&](const auto& file) {
    return file.name.starts_with(first);
  });
  if (one) {
    for (ManifestFile& file : files) file.name.erase(0, first.size());
  }
  for (const DatasetFile& wanted : dataset_.files) {
    const bool found = std::any_of(files.begin(), files.end(), [&](const ManifestFile& file) {
      return file.name == wanted.name;
    });
    if (!found) return DataLoss(dataset_.name + ": the archive has no " + wanted.name);
  }
  return one ? unpacked_ / first.substr(0, first.size() - 1) : unpacked_;
}

// The manifest first: without its folder it means nothing, and a folder without it would be taken
// for somebody's own.
Status Fetching::MoveIntoPlace(const fs::path& top, const Manifest& manifest) {
  RETURN_IF_ERROR(SyncFileSystem(unpacked_));
  const fs::path old = work_ / (dataset_.name + ".old");
  RemoveTree(old);
  std::error_code error;
  if (fs::exists(folder_, error)) {
    fs::rename(folder_, old, error);
    if (error) return Internal("move " + folder_.string() + " away: " + error.message());
  }
  RETURN_IF_ERROR(
      WriteAtomically(ManifestPath(options_.datasets, dataset_.folder), ManifestText(manifest)));
  fs::rename(top, folder_, error);
  if (error) return Internal("move " + folder_.string() + " into place: " + error.message());
  RemoveTree(old);
  return SyncFileSystem(options_.datasets);
}

}  // namespace

std::string_view FetchPhaseName(FetchPhase phase) {
  switch (phase) {
    case FetchPhase::kWaiting:
      return "waiting for another fetch";
    case FetchPhase::kDownloading:
      return "downloading";
    case FetchPhase::kChecking:
      return "checking";
    case FetchPhase::kUnpacking:
      return "unpacking";
  }
  return "";
}

Result<Fetched> FetchDataset(const KnownDataset& dataset, const FetchOptions& options) {
  return Fetching(dataset, options).Run();
}

std::uint64_t BytesBegun(const KnownDataset& dataset, const fs::path& datasets) {
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(PartPath(dataset, datasets), error);
  return error ? 0 : bytes;
}

}  // namespace fusor
