// Archives that nobody should unpack: nothing is ever written outside their own folder.

#include "common/fetch/unpack.h"

#include <gmock/gmock.h>

#include "tests/unit/fetch/fetch_fixture.h"

namespace fusor {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using harness::ArchiveEntry;

class HostileArchive : public FetchTest, public testing::WithParamInterface<Packing> {
 protected:
  HostileArchive() {
    set_.packing = GetParam();
    set_.files.clear();
  }
  // Fetches an archive that holds the entry after a good one; everything must be as before.
  std::string Refusal(const ArchiveEntry& entry) {
    SetArchive({{"roses-1.0/good.bin", "good"}, entry});
    std::string message = Failure(Code::kDataLoss);
    EXPECT_THAT(Files(), IsEmpty()) << message;
    EXPECT_FALSE(std::filesystem::exists(folder_ / "evil"));
    return message;
  }
};

TEST_P(HostileArchive, NamesThatLeadOut) {
  for (const std::string& name :
       {std::string("../evil"), std::string("../../evil"), std::string("../../../evil"),
        std::string("roses-1.0/../../../../evil"), std::string(".."),
        (folder_ / "evil").string()}) {
    EXPECT_THAT(Refusal({name, "evil"}),
                AllOf(HasSubstr(name), HasSubstr("leads out of the data set's folder"),
                      HasSubstr("nothing of the archive was kept")));
  }
}

TEST_P(HostileArchive, FoldersThatLeadOut) {
  EXPECT_THAT(Refusal({"../../evil/", "", ArchiveEntry::Kind::kFolder}), HasSubstr("leads out"));
}

TEST_P(HostileArchive, SymbolicLinks) {
  for (const std::string& target :
       {std::string("../../.."), std::string("/"), std::string("good")}) {
    EXPECT_THAT(Refusal({"roses-1.0/link", target, ArchiveEntry::Kind::kSymbolicLink}),
                HasSubstr("roses-1.0/link: is a link"));
  }
}

TEST_P(HostileArchive, MoreThanItMayUnpackTo) {
  set_.unpacked_bytes_max = 1'000;
  EXPECT_THAT(Refusal({"roses-1.0/bomb.bin", std::string(5'000'000, '\0')}),
              HasSubstr("unpacks to more than 1000 bytes"));
}

TEST_P(HostileArchive, TheSameNameTwice) {
  EXPECT_THAT(Refusal({"roses-1.0/./good.bin", "other"}), HasSubstr("good.bin: is in it twice"));
}

TEST_P(HostileArchive, NoArchiveAtAll) {
  archive_ = "<html>not found</html>";
  set_.bytes = archive_.size();
  set_.checksum = {ChecksumKind::kSha256, Sha256Hex(archive_)};
  Serve({.body = archive_});
  EXPECT_THAT(Failure(Code::kDataLoss), HasSubstr("cannot be unpacked"));
  EXPECT_THAT(Files(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Packings, HostileArchive, testing::Values(Packing::kTar, Packing::kZip),
                         [](const auto& packing) {
                           return packing.param == Packing::kTar ? "Tar" : "Zip";
                         });

class HostileTar : public HostileArchive {};

TEST_P(HostileTar, HardLinks) {
  EXPECT_THAT(Refusal({"roses-1.0/link", "/etc/passwd", ArchiveEntry::Kind::kHardLink}),
              HasSubstr("is a link"));
}

TEST_P(HostileTar, Fifos) {
  EXPECT_THAT(Refusal({"roses-1.0/fifo", "", ArchiveEntry::Kind::kFifo}), HasSubstr("is no file"));
}

TEST_P(HostileTar, CutOff) {
  archive_ = archive_.substr(0, archive_.size() / 2);
  set_.bytes = archive_.size();
  set_.checksum = {ChecksumKind::kSha256, Sha256Hex(archive_)};
  Serve({.body = archive_});
  EXPECT_THAT(Failure(Code::kDataLoss), HasSubstr("cannot be unpacked"));
  EXPECT_THAT(Files(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Packings, HostileTar, testing::Values(Packing::kTar));

}  // namespace
}  // namespace fusor
