#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/trainer/io/bytes.h"
#include "tests/unit/worker/temp_dir.h"
#include "trainer/io/atomic_file.h"
#include "trainer/io/crc32.h"
#include "trainer/io/mapped_file.h"
#include "trainer/io/zip_reader.h"
#include "trainer/io/zip_writer.h"

namespace fusor {
namespace {

using testing::Bytes;
using testing::FileText;
using ::testing::HasSubstr;

std::string TextOf(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

using Records = std::vector<std::pair<std::string, std::string>>;

std::string Archive(const Records& records) {
  agent::TempDir root;
  const std::string path = root.path() / "a.zip";
  auto file = AtomicFile::Create(path);
  EXPECT_TRUE(file.ok());
  ZipWriter zip(*file);
  for (const auto& [name, text] : records) EXPECT_TRUE(zip.Add(name, std::string_view(text)).ok());
  EXPECT_TRUE(zip.Finish().ok());
  EXPECT_TRUE(file->Commit().ok());
  return FileText(path);
}

std::string Problem(const std::string& archive) {
  return ZipReader::Parse(Bytes(archive)).status().message();
}

TEST(Crc32, IsTheOneOfZip) {
  EXPECT_EQ(Crc32(Bytes("123456789")), 0xCBF43926U);
  EXPECT_EQ(Crc32({}), 0U);
  std::string text;
  for (int i = 0; i < 100; ++i) text += static_cast<char>(i * 7);
  const std::uint32_t whole = Crc32(Bytes(text));
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const std::uint32_t before = Crc32(Bytes(text.substr(0, cut)));
    EXPECT_EQ(Crc32(Bytes(text.substr(cut)), before), whole);
  }
}

TEST(Zip, ReadsWhatItWrites) {
  const Records records = {
      {"a/data.pkl", "pickle"}, {"a/data/0", std::string(1000, 'x')}, {"e", ""}};
  const auto archive = Bytes(Archive(records));
  auto zip = ZipReader::Parse(archive);
  ASSERT_TRUE(zip.ok()) << zip.status().message();
  ASSERT_EQ(zip->records().size(), records.size());
  for (const auto& [name, text] : records) {
    const ZipRecord* record = zip->Find(name);
    ASSERT_NE(record, nullptr) << name;
    EXPECT_EQ(record->begin % kZipAlignment, 0U);
    auto read = zip->Read(*record);
    ASSERT_TRUE(read.ok()) << read.status().message();
    EXPECT_EQ(TextOf(*read), text);
  }
  EXPECT_EQ(zip->Find("a"), nullptr);
  EXPECT_EQ(zip->Find("z"), nullptr);
}

TEST(Zip, EqualContentsMakeEqualBytes) {
  const Records records = {{"a", "1"}, {"b", "2"}};
  EXPECT_EQ(Archive(records), Archive(records));
}

TEST(Zip, MoreRecordsThan16Bits) {
  Records records;
  for (int i = 0; i < 70'000; ++i) records.emplace_back(std::to_string(i), "");
  const auto archive = Bytes(Archive(records));
  auto zip = ZipReader::Parse(archive);
  ASSERT_TRUE(zip.ok()) << zip.status().message();
  EXPECT_EQ(zip->records().size(), records.size());
}

// A file with holes: nothing of its 9 GiB is written or read.
TEST(Zip, RecordsBeyond32Bits) {
  agent::TempDir root;
  const std::string path = root.path() / "sparse.zip";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_GE(fd, 0);
  ZipRecord large{"large", 0, 0, (1ULL << 32) + 7, 0};
  std::string directory;
  auto put = [&](const std::string& bytes, std::uint64_t at) {
    return pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at)) ==
           static_cast<ssize_t>(bytes.size());
  };
  ASSERT_TRUE(put(ZipLocalHeader(large), 0));
  directory += ZipCentralHeader(large);
  ZipRecord far{"far", 9ULL << 30, 0, 3, Crc32(Bytes("abc"))};
  ASSERT_TRUE(put(ZipLocalHeader(far) + "abc", far.header));
  directory += ZipCentralHeader(far);
  const std::uint64_t begin = far.begin + far.size;
  ASSERT_TRUE(put(directory + ZipEnd({2, begin, directory.size()}), begin));
  close(fd);
  auto file = MappedFile::Open(path);
  ASSERT_TRUE(file.ok()) << file.status().message();
  auto zip = ZipReader::Parse(file->bytes());
  ASSERT_TRUE(zip.ok()) << zip.status().message();
  EXPECT_EQ(zip->Find("large")->size, large.size);
  auto read = zip->Read(*zip->Find("far"));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(TextOf(*read), "abc");
}

TEST(Zip, RefusesWhatItCannotTrust) {
  const std::string good = Archive({{"one", "111"}, {"two", "222"}});
  EXPECT_EQ(Problem(good), "");
  EXPECT_THAT(Problem(good + "x"), HasSubstr("its end is missing"));
  EXPECT_THAT(Problem(Archive({{"same", "1"}, {"same", "2"}})), HasSubstr("a second record"));
  const std::size_t central = good.find("PK\x01\x02");
  auto changed = [&](std::size_t at, char value) {
    std::string text = good;
    text[central + at] = value;
    return Problem(text);
  };
  EXPECT_THAT(changed(8, 1), HasSubstr("\"one\" is encrypted"));
  EXPECT_THAT(changed(10, 8), HasSubstr("\"one\" is compressed"));
  EXPECT_THAT(changed(20, 9), HasSubstr("two sizes"));
  EXPECT_THAT(changed(42, 9), HasSubstr("should begin here"));
  EXPECT_THAT(changed(45, 9), HasSubstr("beyond the directory"));
  EXPECT_THAT(changed(46, 'n'), HasSubstr("is not what begins here"));
  std::string longer = good;
  longer[central + 20] = longer[central + 24] = 40;
  EXPECT_THAT(Problem(longer), HasSubstr("lies over"));
  longer[central + 22] = longer[central + 26] = 100;
  EXPECT_THAT(Problem(longer), HasSubstr("more than there are"));
}

TEST(Zip, DamagedDataIsFound) {
  std::string text = Archive({{"one", "111"}});
  text[text.find("111")] = '2';
  const auto archive = Bytes(text);
  auto zip = ZipReader::Parse(archive);
  ASSERT_TRUE(zip.ok());
  EXPECT_THAT(zip->Read(zip->records()[0]).status().message(), HasSubstr("check sum"));
}

TEST(Zip, EveryTruncationIsRefused) {
  const std::string good = Archive({{"one", "111"}, {"two", ""}});
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_NE(Problem(good.substr(0, length)), "") << length;
  }
}

TEST(MappedFile, OnlyRegularFiles) {
  agent::TempDir root;
  EXPECT_EQ(MappedFile::Open(root.path() / "none").status().code(), Code::kNotFound);
  EXPECT_FALSE(MappedFile::Open(root.path()).ok());
  const std::string path = root.path() / "empty";
  ASSERT_TRUE(WriteFileAtomically(path, "").ok());
  auto file = MappedFile::Open(path);
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(file->bytes().empty());
}

}  // namespace
}  // namespace fusor
