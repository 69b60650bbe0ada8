// The catalogue of data sets, one's own, manifests, and whether a data set is here.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "common/dataset/known_dataset.h"
#include "common/dataset/manifest.h"
#include "common/dataset/own_datasets.h"
#include "common/dataset/presence.h"

namespace fusor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

class DatasetTest : public testing::Test {
 protected:
  DatasetTest() {
    std::string name = (fs::temp_directory_path() / "fusor-dataset-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~DatasetTest() override { fs::remove_all(folder_); }

  void Write(const std::string& name, const std::string& text) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  std::string CatalogueTrouble(const std::string& text) const {
    Write("catalogue.json", text);
    const auto read = ReadCatalogue(folder_);
    return read.ok() ? "" : read.status().message();
  }

  fs::path folder_;
};

TEST(KnownDatasets, AreWholeDeclarations) {
  std::vector<std::string> names;
  for (const KnownDataset& set : KnownDatasets()) {
    names.push_back(set.name);
    EXPECT_FALSE(set.about.empty() || set.licence.empty() || set.folder.empty()) << set.name;
    ASSERT_FALSE(set.addresses.empty()) << set.name;
    EXPECT_TRUE(set.addresses.front().starts_with("https://")) << set.name;
    EXPECT_TRUE(ParseChecksum(ChecksumText(set.checksum)).ok()) << set.name;
    std::uint64_t bytes = 0;
    for (const DatasetFile& file : set.files) bytes += file.bytes;
    EXPECT_GT(set.bytes, 0U) << set.name;
    EXPECT_GT(set.unpacked_bytes_max, bytes) << set.name;
  }
  EXPECT_THAT(names, ElementsAre("cifar10", "cifar100"));
  EXPECT_EQ(FindDataset(KnownDatasets(), "cifar100")->ArchiveName(), "cifar-100-binary.tar.gz");
  EXPECT_EQ(FindDataset(KnownDatasets(), "cifar1000"), nullptr);
}

TEST(Checksum, IsReadWithAndWithoutItsKind) {
  const std::string md5(32, 'A');
  const std::string sha(64, '1');
  EXPECT_EQ(ChecksumText(*ParseChecksum(md5)), "md5:" + std::string(32, 'a'));
  EXPECT_EQ(ChecksumText(*ParseChecksum("sha256:" + sha)), "sha256:" + sha);
  for (const std::string& wrong : {std::string("md5:12"), "sha256:" + md5, "sha1:" + md5,
                                   "md5:" + std::string(32, 'x'), std::string()}) {
    EXPECT_FALSE(ParseChecksum(wrong).ok()) << wrong;
  }
}

TEST_F(DatasetTest, OnesOwnJoinTheKnownAndMayReplaceThem) {
  EXPECT_EQ(ReadCatalogue(folder_)->size(), KnownDatasets().size());
  Write("catalogue.json",
        R"({"flowers": {"address": "http://depot/flowers.zip", "bytes": 5, "about": "flowers",
                        "checksum": "md5:00112233445566778899aabbccddeeff"},
            "cifar10": {"address": "http://depot/small.tar.gz", "bytes": 7,
                        "checksum": "md5:00112233445566778899aabbccddeeff"}})");
  const auto read = ReadCatalogue(folder_);
  ASSERT_TRUE(read.ok()) << read.status().message();
  ASSERT_EQ(read->size(), 3U);
  const KnownDataset& flowers = *FindDataset(*read, "flowers");
  EXPECT_EQ(flowers.folder, "flowers");
  EXPECT_EQ(flowers.packing, Packing::kZip);
  EXPECT_EQ(flowers.about, "flowers");
  const KnownDataset& small = *FindDataset(*read, "cifar10");
  EXPECT_EQ(small.bytes, 7U);
  EXPECT_EQ(small.folder, "cifar-10-batches-bin");
  EXPECT_EQ(small.files.size(), 6U);
  EXPECT_THAT(small.addresses, ElementsAre("http://depot/small.tar.gz"));
}

TEST_F(DatasetTest, AWrongCatalogueSaysWhereAndWhy) {
  const std::string rest = R"("bytes": 5, "checksum": "md5:00112233445566778899aabbccddeeff")";
  EXPECT_THAT(CatalogueTrouble("{"), HasSubstr("catalogue.json: "));
  EXPECT_THAT(CatalogueTrouble("[]"), HasSubstr("must be an object"));
  EXPECT_THAT(CatalogueTrouble(R"({"a": {)" + rest + "}}"), HasSubstr("a: address is missing"));
  EXPECT_THAT(CatalogueTrouble(R"({"../a": {"address": "http://x", )" + rest + "}}"),
              HasSubstr("letters, digits"));
  EXPECT_THAT(CatalogueTrouble(R"({"a": {"address": "http://x", "size": 1, )" + rest + "}}"),
              HasSubstr("no key 'size'"));
  EXPECT_THAT(CatalogueTrouble(R"({"a": {"address": "http://x", "bytes": 0, "checksum": ""}})"),
              HasSubstr("bytes must be a number above 0"));
}

TEST_F(DatasetTest, AManifestComesBackAsItWasWritten) {
  const Manifest manifest{.dataset = "cifar10",
                          .archive = "md5:aa",
                          .address = "http://x/\"y\"",
                          .files = {{"a.bin", 3, "00"}, {"b/c.bin", 0, "11"}}};
  Write("f.manifest.json", ManifestText(manifest));
  const auto read = ReadManifest(folder_, "f");
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(*read, manifest);
  EXPECT_EQ((*read)->Find("b/c.bin")->sha256, "11");
  EXPECT_FALSE(ReadManifest(folder_, "none")->has_value());
  Write("g.manifest.json", R"({"dataset": "x"})");
  EXPECT_THAT(ReadManifest(folder_, "g").status().message(), HasSubstr("g.manifest.json"));
}

TEST_F(DatasetTest, PresenceTellsWholeDamagedAndMissing) {
  const KnownDataset& set = *FindDataset(KnownDatasets(), "cifar100");
  EXPECT_EQ(PresenceOf(set, folder_).kind, PresenceKind::kAbsent);
  Write("cifar-100-binary/train.bin", "abc");
  Presence presence = PresenceOf(set, folder_);
  EXPECT_EQ(presence.kind, PresenceKind::kDamaged);
  EXPECT_EQ(presence.detail, "test.bin is missing");
  EXPECT_FALSE(presence.fetched);
  Write("cifar-100-binary/test.bin", "d");  // a subset somebody made: whole
  EXPECT_EQ(PresenceOf(set, folder_).kind, PresenceKind::kPresent);
  Write("cifar-100-binary.manifest.json",
        ManifestText({.dataset = "cifar100",
                      .archive = "md5:aa",
                      .address = "",
                      .files = {{"train.bin", 3, ""}, {"test.bin", 2, ""}}}));
  presence = PresenceOf(set, folder_);
  EXPECT_EQ(presence.kind, PresenceKind::kDamaged);
  EXPECT_TRUE(presence.fetched);
  EXPECT_EQ(presence.detail, "test.bin has 1 bytes, expected 2");
}

TEST(DefaultDatasets, AreWhereTheVariableSaysElseAtHome) {
  EXPECT_EQ(DefaultDatasets("/d", "/h"), "/d");
  EXPECT_EQ(DefaultDatasets("", "/h"), "/h/.fusor/datasets");
  EXPECT_EQ(DefaultDatasets("", ""), "");
}

}  // namespace
}  // namespace fusor
