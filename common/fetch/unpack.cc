#include "common/fetch/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>

#include "common/fetch/digest.h"
#include "common/fetch/file.h"

namespace fusor {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kBlockBytes = 256 << 10;
constexpr std::size_t kFilesMax = 5'000'000;

// The name with no empty or "." parts, or nothing where it leads out of the folder.
std::string SafeName(std::string_view name) {
  if (name.starts_with('/')) return "";
  std::string safe;
  while (!name.empty()) {
    const std::size_t slash = std::min(name.find('/'), name.size());
    const std::string_view part = name.substr(0, slash);
    name.remove_prefix(std::min(slash + 1, name.size()));
    if (part == "..") return "";
    if (part.empty() || part == ".") continue;
    safe += (safe.empty() ? "" : "/") + std::string(part);
  }
  return safe.empty() ? "." : safe;
}

class Unpacker {
 public:
  explicit Unpacker(const UnpackOptions& options)
      : options_(options), reader_(archive_read_new(), archive_read_free) {}

  Result<std::vector<ManifestFile>> Run();

 private:
  Status Open();
  Status Take(archive_entry* entry);
  Status TakeFile(const std::string& name);
  Status Damaged() const;
  Status Refuse(const std::string& name, const std::string& why) const {
    return DataLoss(options_.archive.string() + ": " + name + ": " + why +
                    "; nothing of the archive was kept");
  }

  const UnpackOptions& options_;
  const std::unique_ptr<archive, decltype(&archive_read_free)> reader_;
  std::vector<ManifestFile> files_;
  std::uint64_t bytes_ = 0;
};

Status Unpacker::Damaged() const {
  const char* why = archive_error_string(reader_.get());
  return DataLoss(options_.archive.string() +
                  ": cannot be unpacked: " + (why == nullptr ? "unknown format" : why));
}

Status Unpacker::Open() {
  archive* reader = reader_.get();
  if (reader == nullptr) return Internal("libarchive does not start");
  if (options_.packing == Packing::kZip) {
    archive_read_support_format_zip(reader);
  } else {
    archive_read_support_filter_all(reader);
    archive_read_support_format_tar(reader);
  }
  const int opened = archive_read_open_filename(reader, options_.archive.c_str(), kBlockBytes);
  return opened == ARCHIVE_OK ? Ok() : Damaged();
}

Status Unpacker::TakeFile(const std::string& name) {
  const fs::path path = options_.folder / name;
  RETURN_IF_ERROR(MakeFolder(path.parent_path()));
  const File file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!file && errno == EEXIST) return Refuse(name, "is in it twice");
  if (!file) return FileError("make", path);
  ManifestFile made{.name = name, .bytes = 0, .sha256 = {}};
  Digest digest(ChecksumKind::kSha256);
  std::string block(kBlockBytes, '\0');
  for (;;) {
    if (options_.stop.stop_requested()) return Interrupted();
    const la_ssize_t count = archive_read_data(reader_.get(), block.data(), block.size());
    if (count < 0) return Damaged();
    if (count == 0) break;
    const std::string_view bytes(block.data(), static_cast<std::size_t>(count));
    made.bytes += bytes.size();
    bytes_ += bytes.size();
    if (bytes_ > options_.bytes_max) {
      return Refuse(name, "unpacks to more than " + std::to_string(options_.bytes_max) + " bytes");
    }
    RETURN_IF_ERROR(WriteAll(file, path, bytes));
    digest.Add(bytes);
    options_.progress(static_cast<std::uint64_t>(archive_filter_bytes(reader_.get(), -1)));
  }
  made.sha256 = digest.Finish();
  files_.push_back(std::move(made));
  return Ok();
}

Status Unpacker::Take(archive_entry* entry) {
  const char* given = archive_entry_pathname_utf8(entry);
  if (given == nullptr) given = archive_entry_pathname(entry);
  if (given == nullptr) return Refuse("a file", "its name cannot be read");
  const std::string name = SafeName(given);
  if (name.empty()) return Refuse(given, "leads out of the data set's folder");
  const bool links =
      archive_entry_hardlink(entry) != nullptr || archive_entry_filetype(entry) == AE_IFLNK;
  if (links) return Refuse(given, "is a link, which data sets do without");
  if (archive_entry_filetype(entry) == AE_IFDIR) return MakeFolder(options_.folder / name);
  if (archive_entry_filetype(entry) != AE_IFREG) return Refuse(given, "is no file");
  if (name == ".") return Refuse(given, "is no name of a file");
  if (files_.size() == kFilesMax) return Refuse(given, "is one file too many");
  return TakeFile(name);
}

Result<std::vector<ManifestFile>> Unpacker::Run() {
  RETURN_IF_ERROR(Open());
  for (;;) {
    archive_entry* entry = nullptr;
    const int read = archive_read_next_header(reader_.get(), &entry);
    if (read == ARCHIVE_EOF) break;
    // A warning is of a name or a time; names are looked at below.
    if (read != ARCHIVE_OK && read != ARCHIVE_WARN) return Damaged();
    RETURN_IF_ERROR(Take(entry));
  }
  std::sort(files_.begin(), files_.end(),
            [](const ManifestFile& a, const ManifestFile& b) { return a.name < b.name; });
  return std::move(files_);
}

}  // namespace

Result<std::vector<ManifestFile>> Unpack(const UnpackOptions& options) {
  return Unpacker(options).Run();
}

}  // namespace fusor
