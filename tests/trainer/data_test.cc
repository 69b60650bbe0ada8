// Readers, splits and batches, on files that the test makes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

#include "common/base/sha256.h"
#include "common/dataset/manifest.h"
#include "tests/trainer/agent.h"
#include "trainer/data/cifar.h"
#include "trainer/data/loader.h"
#include "trainer/data/split.h"
#include "trainer/data/synthetic.h"

namespace fusor {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryDirectory;
using testing::WriteAll;

// One image whose pixels tell its number and position.
std::string Pixels(int number) {
  std::string pixels(kImageBytes, '\0');
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<char>((static_cast<std::size_t>(number) * 7 + i) % 251);
  }
  return pixels;
}

class CifarTest : public ::testing::Test {
 protected:
  std::string File(const std::string& name) const { return root_.path() + "/" + name; }

  void MakeCifar10(int records) {
    std::filesystem::create_directories(File("cifar-10-batches-bin"));
    int number = 0;
    for (const char* name : {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                             "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"}) {
      std::string text;
      for (int i = 0; i < records; ++i, ++number) {
        text += static_cast<char>(number % 10) + Pixels(number);
      }
      WriteAll(File("cifar-10-batches-bin/") + name, text);
    }
  }

  void MakeCifar100(int records) {
    std::filesystem::create_directories(File("cifar-100-binary"));
    for (const char* name : {"train.bin", "test.bin"}) {
      std::string text;
      for (int i = 0; i < records; ++i) {
        text += static_cast<char>(i % 20);
        text += static_cast<char>(i % 100);
        text += Pixels(i);
      }
      WriteAll(File("cifar-100-binary/") + name, text);
    }
  }

  TemporaryDirectory root_;
};

TEST_F(CifarTest, ReadsCifar10OfAnySize) {
  MakeCifar10(3);
  auto data = ReadCifar10(root_.path());
  ASSERT_TRUE(data.ok()) << data.status().message();
  EXPECT_EQ(data->classes, 10);
  ASSERT_EQ(data->train.size(), 15u);
  ASSERT_EQ(data->test.size(), 3u);
  EXPECT_EQ(data->train.labels[14], 4);
  EXPECT_EQ(data->test.labels[0], 5);
  EXPECT_EQ(data->train.pixels[4][1], static_cast<std::uint8_t>(Pixels(4)[1]));
  EXPECT_EQ(data->fingerprint.size(), 64u);
}

TEST_F(CifarTest, ReadsTheFineLabelsOfCifar100) {
  MakeCifar100(120);
  auto data = ReadCifar100(root_.path());
  ASSERT_TRUE(data.ok()) << data.status().message();
  EXPECT_EQ(data->classes, 100);
  EXPECT_EQ(data->train.labels[99], 99);
  EXPECT_EQ(data->train.labels[100], 0);
  EXPECT_EQ(data->train.pixels[99][0], static_cast<std::uint8_t>(Pixels(99)[0]));
}

TEST_F(CifarTest, FingerprintFollowsTheContent) {
  MakeCifar100(4);
  const std::string before = ReadCifar100(root_.path())->fingerprint;
  EXPECT_EQ(ReadCifar100(root_.path())->fingerprint, before);
  std::string text = testing::ReadAll(File("cifar-100-binary/test.bin"));
  text[100] = static_cast<char>(text[100] + 1);
  WriteAll(File("cifar-100-binary/test.bin"), text);
  EXPECT_NE(ReadCifar100(root_.path())->fingerprint, before);
}

TEST_F(CifarTest, MissingFileIsNamed) {
  MakeCifar10(1);
  std::filesystem::remove(File("cifar-10-batches-bin/data_batch_4.bin"));
  const Status status = ReadCifar10(root_.path()).status();
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_THAT(status.message(), HasSubstr("data_batch_4.bin"));
}

TEST_F(CifarTest, DamagedFilesAreRefusedWithFileOffsetAndExpectation) {
  MakeCifar100(3);
  const std::string path = File("cifar-100-binary/train.bin");
  const std::string good = testing::ReadAll(path);
  auto problem = [&](const std::string& text) {
    WriteAll(path, text);
    const Status status = ReadCifar100(root_.path()).status();
    EXPECT_EQ(status.code(), Code::kDataLoss);
    EXPECT_THAT(status.message(), HasSubstr(path));
    return status.message();
  };
  // 3 records of 3074 bytes; the last is one byte short, then one too long.
  EXPECT_THAT(problem(good.substr(0, good.size() - 1)), HasSubstr("offset 6148"));
  EXPECT_THAT(problem(good + "x"), HasSubstr("offset 9222"));
  EXPECT_THAT(problem(""), HasSubstr("multiple of 3074"));
  std::string wrong = good;
  wrong[3074 + 1] = 100;
  EXPECT_THAT(problem(wrong), HasSubstr("offset 3075: label 100, expected less than 100"));
  wrong = good;
  wrong[0] = 20;
  EXPECT_THAT(problem(wrong), HasSubstr("offset 0: label 20, expected less than 20"));
}

// What `fusor data fetch` would have written of the two files as they are.
void WriteManifest(const std::string& root) {
  Manifest manifest{.dataset = "cifar100", .archive = "md5:0", .address = "", .files = {}};
  for (const char* name : {"train.bin", "test.bin"}) {
    const std::string text = testing::ReadAll(root + "/cifar-100-binary/" + name);
    manifest.files.push_back({name, text.size(), Sha256Hex(text)});
  }
  WriteAll(root + "/cifar-100-binary.manifest.json", ManifestText(manifest));
}

TEST_F(CifarTest, FetchedFilesMustBeAsTheirManifestSays) {
  MakeCifar100(3);
  WriteManifest(root_.path());
  EXPECT_TRUE(ReadCifar100(root_.path()).ok());
  const std::string path = File("cifar-100-binary/train.bin");
  const std::string good = testing::ReadAll(path);
  auto problem = [&](const std::string& text) {
    WriteAll(path, text);
    const Status status = ReadCifar100(root_.path()).status();
    EXPECT_EQ(status.code(), Code::kDataLoss);
    EXPECT_THAT(status.message(), HasSubstr(path));
    EXPECT_THAT(status.message(), HasSubstr("fusor data fetch cifar100"));
    return status.message();
  };
  // Whole records, and yet too few; too many; and pixels that are others.
  EXPECT_THAT(problem(good.substr(0, 2 * 3074)),
              HasSubstr("offset 6148: the file ends here, expected 9222 bytes"));
  EXPECT_THAT(problem(good.substr(0, 4000)), HasSubstr("offset 4000: the file ends here"));
  EXPECT_THAT(problem(good + good), HasSubstr("offset 9222: the file goes on to 18444 bytes"));
  std::string other = good;
  other[3000] = static_cast<char>(other[3000] + 1);
  EXPECT_THAT(problem(other), HasSubstr("offset 0 to 9222: sha256 " + Sha256Hex(other) +
                                        ", expected " + Sha256Hex(good)));
  std::filesystem::remove(File("cifar-100-binary.manifest.json"));
  EXPECT_TRUE(ReadCifar100(root_.path()).ok());  // somebody's own
  WriteAll(File("cifar-100-binary.manifest.json"), "{");
  EXPECT_THAT(ReadCifar100(root_.path()).status().message(),
              HasSubstr("cifar-100-binary.manifest.json"));
}

TEST_F(CifarTest, MoreRecordsThanTheOfficialFileHasAreRefused) {
  MakeCifar10(1);
  const std::string path = File("cifar-10-batches-bin/data_batch_2.bin");
  WriteAll(path, std::string(10'001 * 3'073, '\0'));
  EXPECT_THAT(ReadCifar10(root_.path()).status().message(),
              HasSubstr(path + ": offset 30730000: the file goes on to 30733073 bytes, expected "
                               "30730000 at most"));
}

std::vector<int> Labels(int classes, int each) {
  std::vector<int> labels;
  for (int i = 0; i < classes * each; ++i) labels.push_back(i % classes);
  return labels;
}

std::vector<int> PerClass(const std::vector<int>& labels, const std::vector<std::uint32_t>& part) {
  std::vector<int> count(100);
  for (std::uint32_t index : part) ++count[static_cast<std::size_t>(labels[index])];
  return count;
}

std::set<std::uint32_t> Union(std::initializer_list<const std::vector<std::uint32_t>*> parts) {
  std::set<std::uint32_t> all;
  for (const auto* part : parts) all.insert(part->begin(), part->end());
  return all;
}

TEST(Split, PartsOfThePublishedSizesThatNeverMeet) {
  const std::vector<int> labels = Labels(100, 500);  // as many as CIFAR-100 has
  const auto holdout = PublishedHoldout("cifar100", labels.size());
  ASSERT_EQ(holdout.size(), 10'000u);
  // NumPy's generator 42 shuffled them.
  EXPECT_EQ(std::vector<std::uint32_t>(holdout.begin(), holdout.begin() + 6),
            (std::vector<std::uint32_t>{2, 3, 5, 12, 14, 22}));
  for (const auto& published : {holdout, std::span<const std::uint32_t>()}) {
    const DataSplit split = SplitTraining(labels, {}, published);
    EXPECT_EQ(split.expert_train.size() + split.expert_validation.size(), 40'000u);
    EXPECT_EQ(split.fusion_train.size() + split.fusion_validation.size(), 10'000u);
    EXPECT_EQ(split.expert_validation.size(), 4'000u);
    EXPECT_EQ(split.fusion_validation.size(), 1'000u);
    EXPECT_EQ(Union({&split.expert_train, &split.expert_validation, &split.fusion_train,
                     &split.fusion_validation})
                  .size(),
              50'000u);
    const auto held = Union({&split.fusion_train, &split.fusion_validation});
    if (!published.empty()) {
      EXPECT_EQ(held, std::set<std::uint32_t>(published.begin(), published.end()));
    }
  }
  const DataSplit even = SplitTraining(labels, {}, {});
  EXPECT_EQ(PerClass(labels, even.expert_validation), std::vector<int>(100, 40));
  EXPECT_EQ(PerClass(labels, even.fusion_validation), std::vector<int>(100, 10));
}

TEST(Split, SharesAreThoseAskedFor) {
  std::vector<int> labels;
  for (int i = 0; i < 1'000; ++i) labels.push_back(i % 10);
  const DataSplit split = SplitTraining(labels, {.fusion = 0.5, .validation = 0.2}, {});
  EXPECT_EQ(split.expert_train.size(), 400U);
  EXPECT_EQ(split.expert_validation.size(), 100U);
  EXPECT_EQ(split.fusion_train.size(), 400U);
  EXPECT_EQ(split.fusion_validation.size(), 100U);
}

TEST(Split, OnlyTheWholeOfCifar100HasAPublishedDivision) {
  EXPECT_TRUE(PublishedHoldout("cifar100", 10'000).empty());
  EXPECT_TRUE(PublishedHoldout("cifar10", 50'000).empty());
}

TEST(Split, ExpertsShareSomeAndOwnTheRest) {
  const std::vector<int> labels = Labels(100, 500);
  const auto all = SplitTraining(labels, {}, {}).expert_train;
  std::map<std::uint32_t, int> seen;
  for (int expert = 0; expert < kExperts; ++expert) {
    const auto part = ShareOf(labels, all, Share::kOverlap, expert);
    EXPECT_EQ(part.size(), 19'800u);  // 55 % of 36,000
    for (std::uint32_t index : part) ++seen[index];
  }
  EXPECT_EQ(seen.size(), 36'000u);
  int shared = 0;
  for (const auto& [index, experts] : seen) {
    EXPECT_TRUE(experts == 1 || experts == 4);
    shared += experts == 4 ? 1 : 0;
  }
  EXPECT_EQ(shared, 14'400);  // 40 %
  EXPECT_EQ(ShareOf(labels, all, Share::kFull, 2), all);
}

TEST(Split, DisjointClassesAreAllSomeonesAndNobodyElses) {
  const std::vector<int> labels = Labels(10, 50);
  const auto all = SplitTraining(labels, {}, {}).expert_train;
  std::map<int, std::set<int>> owners;
  std::size_t images = 0;
  for (int expert = 0; expert < kExperts; ++expert) {
    for (std::uint32_t index : ShareOf(labels, all, Share::kDisjointClasses, expert)) {
      owners[labels[index]].insert(expert);
      ++images;
    }
  }
  EXPECT_EQ(owners.size(), 10u);
  for (const auto& [label, experts] : owners) EXPECT_EQ(experts.size(), 1u) << label;
  EXPECT_EQ(images, all.size());
}

TEST(Split, SubsetTakesClassesAlikeAndFollowsItsSeed) {
  const std::vector<int> labels = Labels(10, 100);
  const auto all = SplitTraining(labels, {}, {}).expert_train;
  const auto subset = Subset(labels, all, 100, 0);
  EXPECT_EQ(subset.size(), 100u);
  const auto count = PerClass(labels, subset);
  for (int label = 0; label < 10; ++label) EXPECT_EQ(count[static_cast<std::size_t>(label)], 10);
  EXPECT_EQ(subset, Subset(labels, all, 100, 0));
  EXPECT_NE(subset, Subset(labels, all, 100, 1));
  EXPECT_EQ(Subset(labels, all, 100'000, 0), all);
}

class LoaderTest : public ::testing::Test {
 protected:
  LoaderTest() {
    for (std::uint32_t i = 0; i < 50; ++i) indices_.push_back(i * 3);
  }
  TrainingLoader Loader(std::uint64_t seed, bool augment) {
    LoaderOptions options{.seed = seed, .batch_size = 8};
    if (augment) options.augment = {.crop_padding = 4, .flip = true};
    return TrainingLoader(data_.train, normaliser_, indices_, options);
  }

  const ImageData data_ = MakeSyntheticImages();
  std::vector<std::uint32_t> indices_;
  Normaliser normaliser_{data_.train, std::vector<std::uint32_t>{0, 1, 2, 3}};
};

TEST_F(LoaderTest, BatchDependsOnSeedAndStepAlone) {
  auto in_order = Loader(1, true);
  auto at_once = Loader(1, true);
  for (std::int64_t step = 0; step < 20; ++step) in_order.At(step);
  const ImageBatch a = in_order.At(13);
  const ImageBatch b = at_once.At(13);
  EXPECT_TRUE(a.images.equal(b.images));
  EXPECT_TRUE(a.labels.equal(b.labels));
  EXPECT_FALSE(a.images.equal(Loader(2, true).At(13).images));
  EXPECT_FALSE(a.images.equal(at_once.At(12).images));
}

TEST_F(LoaderTest, PartsOfAStepAreItsBatch) {
  LoaderOptions options{.seed = 4, .batch_size = 8, .augment = {.crop_padding = 4, .flip = true}};
  TrainingLoader whole(data_.train, normaliser_, indices_, options);
  options.parts = 4;
  TrainingLoader parts(data_.train, normaliser_, indices_, options);
  for (const std::int64_t step : {0, 5, 6, 20}) {
    const ImageBatch batch = whole.At(step);
    for (std::int64_t part = 0; part < 4; ++part) {
      const ImageBatch two = parts.At(step, part);
      EXPECT_TRUE(two.images.equal(batch.images.narrow(0, 2 * part, 2))) << step << " " << part;
      EXPECT_TRUE(two.labels.equal(batch.labels.narrow(0, 2 * part, 2)));
    }
  }
}

// Of images that are of one colour each, the pixels tell whose they are.
TEST_F(LoaderTest, PartnersAreTheImagesMixedIn) {
  ImageSet colours;
  std::vector<std::vector<std::uint8_t>> pixels;
  for (int i = 0; i < 8; ++i) {
    pixels.emplace_back(kImageBytes, static_cast<std::uint8_t>(20 * i));
    colours.labels.push_back(i);
  }
  for (const auto& image : pixels) colours.pixels.push_back(image.data());
  const std::vector<std::uint32_t> all = {0, 1, 2, 3, 4, 5, 6, 7};
  const Normaliser normaliser(colours, all);
  TrainingLoader loader(colours, normaliser, all, {.batch_size = 8, .mix = {.cutmix = 1}});
  int mixed = 0;
  for (std::int64_t step = 0; step < 10; ++step) {
    const ImageBatch batch = loader.At(step);
    for (std::int64_t i = 0; i < 8; ++i) {
      const auto share = [&](const at::Tensor& label) {
        const auto byte = static_cast<std::uint8_t>(20 * label.item<std::int64_t>());
        return batch.images[i].eq(normaliser.Apply(0, byte)).to(at::kDouble).mean().item<double>();
      };
      if (batch.labels[i].equal(batch.partner_labels[i])) continue;
      ++mixed;
      EXPECT_NEAR(share(batch.labels[i]), batch.share, 1e-9);
      EXPECT_NEAR(share(batch.partner_labels[i]), 1 - batch.share, 1e-9);
    }
  }
  EXPECT_GT(mixed, 50);
}

TEST_F(LoaderTest, AnEpochShowsEachImageAtMostOnceAndEpochsDiffer) {
  auto loader = Loader(5, false);
  ASSERT_EQ(loader.steps_per_epoch(), 6);
  auto epoch_sums = [&](std::int64_t epoch) {
    std::vector<double> sums;
    for (std::int64_t step = 0; step < 6; ++step) {
      at::Tensor each = loader.At(epoch * 6 + step).images.to(at::kDouble).sum({1, 2, 3});
      for (std::int64_t i = 0; i < 8; ++i) sums.push_back(each[i].item<double>());
    }
    return sums;
  };
  const auto first = epoch_sums(0);
  const auto second = epoch_sums(1);
  EXPECT_EQ(std::set<double>(first.begin(), first.end()).size(), 48u);
  EXPECT_NE(first, second);
}

TEST_F(LoaderTest, CropsAndFlipsFromMirroredBorders) {
  // Every pixel of an augmented image must be one of the row and column that a shift of at most 4
  // and a flip lead to.
  auto plain = Loader(3, false).At(0).images;
  auto augmented = Loader(3, true).At(0).images;
  auto mirror = [](int at) { return at < 0 ? -at : at > 31 ? 62 - at : at; };
  int changed = 0;
  for (std::int64_t image = 0; image < 8; ++image) {
    auto from = plain[image].contiguous();
    auto to = augmented[image].contiguous();
    const float* source = from.const_data_ptr<float>();
    const float* target = to.const_data_ptr<float>();
    bool explained = false;
    for (int down = -4; down <= 4 && !explained; ++down) {
      for (int across = -4; across <= 4 && !explained; ++across) {
        for (int flip = 0; flip < 2 && !explained; ++flip) {
          bool equal = true;
          for (int y = 0; y < 32 && equal; ++y) {
            for (int x = 0; x < 32 && equal; ++x) {
              const int column = mirror((flip == 1 ? 31 - x : x) + across);
              equal = target[y * 32 + x] == source[mirror(y + down) * 32 + column];
            }
          }
          explained = equal;
        }
      }
    }
    EXPECT_TRUE(explained) << image;
    changed += from.equal(to) ? 0 : 1;
  }
  EXPECT_GT(changed, 4);
}

TEST_F(LoaderTest, NormalisesToMeanZeroAndDeviationOne) {
  std::vector<std::uint32_t> all(data_.train.size());
  for (std::uint32_t i = 0; i < all.size(); ++i) all[i] = i;
  Normaliser normaliser(data_.train, all);
  const ImageBatch batch = PlainBatch(data_.train, normaliser, all);
  for (std::int64_t channel = 0; channel < 3; ++channel) {
    at::Tensor plane = batch.images.select(1, channel).to(at::kDouble);
    EXPECT_NEAR(plane.mean().item<double>(), 0, 1e-4);
    EXPECT_NEAR(plane.std().item<double>(), 1, 1e-3);
  }
  EXPECT_TRUE(batch.images.is_contiguous(at::MemoryFormat::ChannelsLast));
}

}  // namespace
}  // namespace fusor
