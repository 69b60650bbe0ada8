#include "trainer/data/cifar.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "common/base/sha256.h"
#include "common/dataset/known_dataset.h"
#include "common/dataset/manifest.h"
#include "trainer/io/descriptor.h"

namespace fusor {
namespace {

struct Format {
  std::string name;
  std::string title;
  std::string folder;
  std::vector<std::string> train_files;
  std::string test_file;
  std::vector<int> label_limits;  // one per label byte; the last label is the class
};

std::size_t RecordBytes(const Format& format) { return format.label_limits.size() + kImageBytes; }

class Mapping {
 public:
  Mapping(void* data, std::size_t size) : data_(data), size_(size) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { munmap(data_, size_); }

  const std::uint8_t* data() const { return static_cast<const std::uint8_t*>(data_); }
  std::size_t size() const { return size_; }

 private:
  void* data_;
  std::size_t size_;
};

// One of the data set's files, and what is known of it.
struct Wanted {
  std::string path;
  const ManifestFile* fetched = nullptr;  // as it was fetched; null: somebody put it there
  std::size_t bytes_max = 0;              // of the official one
};

std::string Advice(const Format& format) {
  return "; remove its folder, then: fusor data fetch " + format.name;
}

Status CheckSize(const Wanted& wanted, std::size_t size, const Format& format) {
  const std::string expected = wanted.fetched == nullptr
                                   ? std::to_string(wanted.bytes_max) + " at most"
                                   : std::to_string(wanted.fetched->bytes) + " bytes";
  const std::size_t most = wanted.fetched == nullptr ? wanted.bytes_max : wanted.fetched->bytes;
  if (size > most) {
    return DataLoss(wanted.path + ": offset " + std::to_string(most) + ": the file goes on to " +
                    std::to_string(size) + " bytes, expected " + expected + Advice(format));
  }
  if (wanted.fetched != nullptr && size < most) {
    return DataLoss(wanted.path + ": offset " + std::to_string(size) +
                    ": the file ends here, expected " + expected + Advice(format));
  }
  const std::size_t record = RecordBytes(format);
  if (size != 0 && size % record == 0) return Ok();
  return DataLoss(wanted.path + ": offset " + std::to_string(size - size % record) +
                  ": the file ends within a record: " + std::to_string(size) +
                  " bytes, expected a multiple of " + std::to_string(record));
}

Result<std::shared_ptr<const Mapping>> Map(const Wanted& wanted, const Format& format) {
  const std::string& path = wanted.path;
  Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.open()) {
    return NotFound(path + ": " + std::strerror(errno) + "; expected a file of " + format.title +
                    " (binary version) there; fusor data fetch " + format.name + " brings it");
  }
  struct stat info;
  if (fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return DataLoss(path + ": no file");
  const auto size = static_cast<std::size_t>(info.st_size);
  RETURN_IF_ERROR(CheckSize(wanted, size, format));
  void* data = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (data == MAP_FAILED) return Unavailable(path + ": " + std::strerror(errno));
  return std::make_shared<const Mapping>(data, size);
}

// Adds the records of one file; `hashes` gets the file's digest.
Status Append(const Wanted& wanted, const Format& format, ImageSet& set, std::string& hashes) {
  const std::string& path = wanted.path;
  auto mapped = Map(wanted, format);
  if (!mapped.ok()) return mapped.status();
  const Mapping& file = **mapped;
  const std::size_t labels = format.label_limits.size();
  const std::size_t record = RecordBytes(format);
  for (std::size_t offset = 0; offset < file.size(); offset += record) {
    for (std::size_t i = 0; i < labels; ++i) {
      if (file.data()[offset + i] < format.label_limits[i]) continue;
      return DataLoss(path + ": offset " + std::to_string(offset + i) + ": label " +
                      std::to_string(file.data()[offset + i]) + ", expected less than " +
                      std::to_string(format.label_limits[i]));
    }
    set.labels.push_back(file.data()[offset + labels - 1]);
    set.pixels.push_back(file.data() + offset + labels);
  }
  const std::string hash = Sha256Hex({reinterpret_cast<const char*>(file.data()), file.size()});
  if (wanted.fetched != nullptr && hash != wanted.fetched->sha256) {
    return DataLoss(path + ": offset 0 to " + std::to_string(file.size()) + ": sha256 " + hash +
                    ", expected " + wanted.fetched->sha256 + Advice(format));
  }
  hashes += hash + "\n";
  set.storage.push_back(*mapped);
  return Ok();
}

std::size_t OfficialBytes(const Format& format, const std::string& file) {
  const KnownDataset* known = FindDataset(KnownDatasets(), format.name);
  CHECK(known != nullptr);
  for (const DatasetFile& each : known->files) {
    if (each.name == file) return each.bytes;
  }
  return 0;
}

Result<ImageData> Read(const Format& format, const std::string& datasets_dir) {
  ImageData data;
  data.name = format.name;
  data.classes = format.label_limits.back();
  const auto manifest = ReadManifest(datasets_dir, format.folder);
  if (!manifest.ok()) return manifest.status();
  const auto wanted = [&](const std::string& file) {
    return Wanted{.path = datasets_dir + "/" + format.folder + "/" + file,
                  .fetched = manifest->has_value() ? (*manifest)->Find(file) : nullptr,
                  .bytes_max = OfficialBytes(format, file)};
  };
  std::string hashes;
  for (const std::string& file : format.train_files) {
    RETURN_IF_ERROR(Append(wanted(file), format, data.train, hashes));
  }
  RETURN_IF_ERROR(Append(wanted(format.test_file), format, data.test, hashes));
  data.fingerprint = Sha256Hex(hashes);
  return data;
}

}  // namespace

Result<ImageData> ReadCifar10(const std::string& datasets_dir) {
  return Read({.name = "cifar10",
               .title = "CIFAR-10",
               .folder = "cifar-10-batches-bin",
               .train_files = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                               "data_batch_4.bin", "data_batch_5.bin"},
               .test_file = "test_batch.bin",
               .label_limits = {10}},
              datasets_dir);
}

Result<ImageData> ReadCifar100(const std::string& datasets_dir) {
  return Read({.name = "cifar100",
               .title = "CIFAR-100",
               .folder = "cifar-100-binary",
               .train_files = {"train.bin"},
               .test_file = "test.bin",
               .label_limits = {20, 100}},
              datasets_dir);
}

}  // namespace fusor
