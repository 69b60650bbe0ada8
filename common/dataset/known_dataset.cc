#include "common/dataset/known_dataset.h"

namespace fusor {

namespace {

constexpr std::uint64_t kCifar10BatchBytes = 10'000 * 3'073;
constexpr std::uint64_t kCifar100RecordBytes = 3'074;
constexpr std::uint64_t kCifarUnpackedMax = 200'000'000;
constexpr std::string_view kCifarTerms =
    "free to use; cite Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images";

KnownDataset Cifar10() {
  KnownDataset set;
  set.name = "cifar10";
  set.about = "CIFAR-10: 60,000 colour images of 32 x 32 in 10 classes, binary version";
  set.licence = kCifarTerms;
  set.addresses = {"https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"};
  set.bytes = 170'052'171;
  set.checksum = {ChecksumKind::kMd5, "c32a1d4ab5d03f1284b67883e8d87530"};
  set.unpacked_bytes_max = kCifarUnpackedMax;
  set.folder = "cifar-10-batches-bin";
  for (const char* file : {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                           "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"}) {
    set.files.push_back({file, kCifar10BatchBytes});
  }
  return set;
}

KnownDataset Cifar100() {
  KnownDataset set;
  set.name = "cifar100";
  set.about = "CIFAR-100: 60,000 colour images of 32 x 32 in 100 classes, binary version";
  set.licence = kCifarTerms;
  set.addresses = {"https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz"};
  set.bytes = 168'513'733;
  set.checksum = {ChecksumKind::kMd5, "03b5dce01913d631647c71ecec9e9cb8"};
  set.unpacked_bytes_max = kCifarUnpackedMax;
  set.folder = "cifar-100-binary";
  set.files = {{"train.bin", 50'000 * kCifar100RecordBytes},
               {"test.bin", 10'000 * kCifar100RecordBytes}};
  return set;
}

}  // namespace

std::string KnownDataset::ArchiveName() const {
  if (addresses.empty()) return name + (packing == Packing::kZip ? ".zip" : ".tar.gz");
  const std::string& address = addresses.front();
  const std::string path = address.substr(0, address.find_first_of("?#"));
  return path.substr(path.rfind('/') + 1);
}

const std::vector<KnownDataset>& KnownDatasets() {
  static const std::vector<KnownDataset> kDatasets = {Cifar10(), Cifar100()};
  return kDatasets;
}

const KnownDataset* FindDataset(const std::vector<KnownDataset>& datasets, std::string_view name) {
  for (const KnownDataset& dataset : datasets) {
    if (dataset.name == name) return &dataset;
  }
  return nullptr;
}

}  // namespace fusor
