#include "worker/process/datasets.h"

#include <gtest/gtest.h>

#include <fstream>

#include "common/base/sha256.h"
#include "tests/unit/worker/temp_dir.h"

namespace fusor::agent {
namespace {

class DatasetsTest : public testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = data() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  std::filesystem::path data() const { return dir_.path() / "data"; }
  std::vector<DatasetInfo> Scan() { return ScanDatasets(data(), dir_.path() / "cache"); }

  TempDir dir_;
};

TEST_F(DatasetsTest, KnownOnesAreNamedAndFingerprintedAsTheTrainerDoes) {
  Write("cifar-100-binary/train.bin", "train");
  EXPECT_TRUE(Scan().empty());  // not whole
  Write("cifar-100-binary/test.bin", "test");
  Write("cifar-100-binary/fine_label_names.txt", "does not matter");
  const std::vector<DatasetInfo> found = Scan();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].name, "cifar100");
  EXPECT_EQ(found[0].fingerprint, Sha256Hex(Sha256Hex("train") + "\n" + Sha256Hex("test") + "\n"));
  EXPECT_EQ(Scan(), found);  // from the cache
}

TEST_F(DatasetsTest, AnyOtherFolderIsFingerprintedByNamesSizesAndSamples) {
  Write("mine/a/one.txt", "one");
  Write("mine/two.bin", std::string(200'000, 'x'));
  Write("loose-file", "not a data set");
  Write(".hidden/file", "neither");
  const std::vector<DatasetInfo> before = Scan();
  ASSERT_EQ(before.size(), 1u);
  EXPECT_EQ(before[0].name, "mine");
  const std::string signature = DatasetsSignature(data());

  // The same files at another time and place: the same fingerprint.
  std::filesystem::copy(data(), dir_.path() / "copy", std::filesystem::copy_options::recursive);
  EXPECT_EQ(ScanDatasets(dir_.path() / "copy", dir_.path() / "cache2"), before);

  // Another last byte of a large file.
  Write("mine/two.bin", std::string(199'999, 'x') + "y");
  EXPECT_NE(Scan().at(0).fingerprint, before[0].fingerprint);
  EXPECT_NE(DatasetsSignature(data()), signature);

  Write("mine/two.bin", std::string(200'000, 'x'));
  EXPECT_EQ(Scan(), before);
  std::filesystem::rename(data() / "mine/two.bin", data() / "mine/three.bin");
  EXPECT_NE(Scan().at(0).fingerprint, before[0].fingerprint);
}

TEST_F(DatasetsTest, ADirectoryThatIsNotThereHasNone) { EXPECT_TRUE(Scan().empty()); }

}  // namespace
}  // namespace fusor::agent
