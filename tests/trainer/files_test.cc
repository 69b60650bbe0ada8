// Files that are there whole or not at all, and the header of a safetensors file.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/trainer/agent.h"
#include "trainer/io/atomic_file.h"
#include "trainer/io/checkpoint_folder.h"
#include "trainer/io/csv_log.h"
#include "trainer/io/safetensors_header.h"

namespace fusor {
namespace {

using ::testing::HasSubstr;
using testing::ReadAll;
using testing::TemporaryDirectory;
using testing::WriteAll;

TEST(AtomicFile, AppearsOnlyWhenCommitted) {
  TemporaryDirectory root;
  const std::string path = root.path() + "/deep/er/file";
  {
    auto file = AtomicFile::Create(path);
    ASSERT_TRUE(file.ok());
    EXPECT_TRUE(file->Write("abc", 3).ok());
  }
  EXPECT_TRUE(std::filesystem::is_empty(root.path() + "/deep/er"));
  ASSERT_TRUE(WriteFileAtomically(path, "old").ok());
  auto file = AtomicFile::Create(path);
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(file->Write("new", 3).ok());
  EXPECT_EQ(ReadAll(path), "old");
  EXPECT_TRUE(file->Commit().ok());
  EXPECT_EQ(ReadAll(path), "new");
}

TEST(AtomicFile, LeavesOlderHardLinksAlone) {
  TemporaryDirectory root;
  const std::string path = root.path() + "/file";
  ASSERT_TRUE(WriteFileAtomically(path, "old").ok());
  std::filesystem::create_hard_link(path, root.path() + "/link");
  ASSERT_TRUE(WriteFileAtomically(path, "new").ok());
  EXPECT_EQ(ReadAll(root.path() + "/link"), "old");
}

TEST(AtomicFile, SaysWhatIsWrong) {
  EXPECT_THAT(WriteFileAtomically("/proc/no/such", "x").message(), HasSubstr("/proc/no/such"));
  EXPECT_EQ(ReadFile("/no/such/file", 10).status().code(), Code::kNotFound);
  EXPECT_EQ(ReadFile("/proc/self/status", 10).status().code(), Code::kResourceExhausted);
}

TEST(CsvLog, KeepsItsRows) {
  TemporaryDirectory root;
  const std::string path = root.path() + "/log.csv";
  CsvLog log;
  EXPECT_TRUE(log.empty());
  const std::vector<CsvLog::Cell> first = {{"epoch", 1}, {"val/loss", 0.1}};
  const std::vector<CsvLog::Cell> second = {{"epoch", 2}, {"val/loss", std::nan("")}};
  log.Add(first);
  ASSERT_TRUE(log.Write(path).ok());
  CsvLog resumed;
  ASSERT_TRUE(resumed.Load(path).ok());
  resumed.Add(second);
  ASSERT_TRUE(resumed.Write(path).ok());
  EXPECT_EQ(ReadAll(path), "epoch,val/loss\n1,0.1\n2,nan\n");
}

class CheckpointFolderTest : public ::testing::Test {
 protected:
  CheckpointFolderTest() : before_(std::filesystem::current_path()) {
    std::filesystem::current_path(root_.path());
  }
  ~CheckpointFolderTest() override { std::filesystem::current_path(before_); }

  std::vector<std::string> Make(std::int64_t step) {
    auto folder = CheckpointFolder::Begin(step);
    EXPECT_TRUE(folder.ok());
    WriteAll(folder->PathOf("state"), std::to_string(step));
    auto files = folder->Commit();
    EXPECT_TRUE(files.ok());
    return *files;
  }

  TemporaryDirectory root_;
  std::filesystem::path before_;
};

TEST_F(CheckpointFolderTest, KeepsTheNewestTwo) {
  EXPECT_FALSE(CheckpointFolder::FindNewest());
  EXPECT_EQ(Make(9), std::vector<std::string>{"checkpoint/9/state"});
  Make(10);
  Make(100);
  EXPECT_FALSE(testing::Exists("checkpoint/9"));
  EXPECT_TRUE(testing::Exists("checkpoint/10"));
  auto newest = CheckpointFolder::FindNewest();
  ASSERT_TRUE(newest);
  EXPECT_EQ(newest->step, 100);
  EXPECT_EQ(newest->files, std::vector<std::string>{"checkpoint/100/state"});
}

TEST_F(CheckpointFolderTest, AnUnfinishedOneIsNone) {
  Make(5);
  auto folder = CheckpointFolder::Begin(6);
  ASSERT_TRUE(folder.ok());
  WriteAll(folder->PathOf("state"), "half");
  EXPECT_EQ(CheckpointFolder::FindNewest()->step, 5);
  Make(7);
  EXPECT_EQ(CheckpointFolder::FindNewest()->step, 7);
}

TEST_F(CheckpointFolderTest, LinksStayWhatTheyWere) {
  ASSERT_TRUE(WriteFileAtomically("log.csv", "one\n").ok());
  auto folder = CheckpointFolder::Begin(1);
  ASSERT_TRUE(folder.ok());
  ASSERT_TRUE(folder->AddLink("log.csv", "log.csv").ok());
  ASSERT_TRUE(folder->Commit().ok());
  ASSERT_TRUE(WriteFileAtomically("log.csv", "one\ntwo\n").ok());
  EXPECT_EQ(ReadAll("checkpoint/1/log.csv"), "one\n");
}

std::string HeaderProblem(const std::string& json, std::uint64_t data_bytes) {
  return ParseSafetensorsHeader(json, data_bytes).status().message();
}

TEST(SafetensorsHeader, AcceptsWhatTheFormatAllows) {
  auto header =
      ParseSafetensorsHeader(R"({"b":{"dtype":"F32","shape":[2,3],"data_offsets":[2,26]},)"
                             R"("a":{"dtype":"BF16","shape":[],"data_offsets":[0,2]},)"
                             R"("empty":{"dtype":"I64","shape":[0,5],"data_offsets":[26,26]},)"
                             R"("__metadata__":{"k":"v"}}   )",
                             26);
  ASSERT_TRUE(header.ok()) << header.status().message();
  ASSERT_EQ(header->tensors.size(), 3u);
  EXPECT_EQ(header->tensors[0].name, "a");
  EXPECT_EQ(header->tensors[1].shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(header->metadata.at("k"), "v");
}

TEST(SafetensorsHeader, RefusesWhatItForbids) {
  const std::string good = R"("dtype":"F32","shape":[1],"data_offsets":[0,4])";
  EXPECT_EQ(HeaderProblem("{\"a\":{" + good + "}}", 4), "");
  EXPECT_NE(HeaderProblem("", 0), "");
  EXPECT_NE(HeaderProblem(" {}", 0), "");
  EXPECT_NE(HeaderProblem("[]", 0), "");
  EXPECT_NE(HeaderProblem("{\"a\":", 4), "");
  EXPECT_NE(HeaderProblem("{\"a\":{" + good + "},\"a\":{" + good + "}}", 4), "");
  EXPECT_THAT(HeaderProblem("{\"a\":{" + good + "}}", 5), HasSubstr("5"));
  EXPECT_NE(HeaderProblem("{\"a\":{" + good + "}}", 3), "");
  EXPECT_NE(HeaderProblem("{\"a\":{" + good + ",\"more\":1}}", 4), "");
  EXPECT_NE(HeaderProblem("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4), "");
  EXPECT_NE(HeaderProblem("{\"a\":7}", 4), "");
  auto tensor = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return "{\"a\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
           ",\"data_offsets\":" + offsets + "}}";
  };
  EXPECT_THAT(HeaderProblem(tensor("F33", "[1]", "[0,4]"), 4), HasSubstr("F33"));
  EXPECT_NE(HeaderProblem(tensor("F32", "[-1]", "[0,4]"), 4), "");
  EXPECT_NE(HeaderProblem(tensor("F32", "[1.0]", "[0,4]"), 4), "");
  EXPECT_NE(HeaderProblem(tensor("F32", "7", "[0,4]"), 4), "");
  EXPECT_NE(HeaderProblem(tensor("F32", "[1]", "[0]"), 4), "");
  EXPECT_NE(HeaderProblem(tensor("F32", "[1]", "[4,0]"), 4), "");
  EXPECT_NE(HeaderProblem(tensor("F32", "[2]", "[0,4]"), 4), "");
  EXPECT_THAT(HeaderProblem(tensor("F32", "[1]", "[4,8]"), 8), HasSubstr("hole"));
  // 2^62 floats, twice over 64 bits.
  EXPECT_NE(HeaderProblem(tensor("F32", "[4611686018427387904]", "[0,0]"), 0), "");
  EXPECT_NE(HeaderProblem(tensor("F32", "[4294967296,4294967296]", "[0,0]"), 0), "");
  EXPECT_NE(HeaderProblem(tensor("F32", "[18446744073709551616]", "[0,0]"), 0), "");
  const std::string two = R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                          R"("b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})";
  EXPECT_THAT(HeaderProblem(two, 3), HasSubstr("overlap"));
  EXPECT_NE(HeaderProblem(R"({"__metadata__":{"k":1}})", 0), "");
  EXPECT_NE(HeaderProblem(R"({"__metadata__":[]})", 0), "");
  EXPECT_NE(HeaderProblem(R"({"__metadata__":{"k":"v","k":"w"}})", 0), "");
}

TEST(SafetensorsHeader, LimitsAndTypes) {
  auto tensor = [](const std::string& dtype, const std::string& shape, const std::string& end) {
    return HeaderProblem("{\"a\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
                             ",\"data_offsets\":[0," + end + "]}}",
                         std::stoull(end));
  };
  for (const char* dtype : {"C64", "U64"}) EXPECT_EQ(tensor(dtype, "[2]", "16"), "");
  for (const char* dtype : {"F8_E8M0", "F8_E5M2FNUZ"}) EXPECT_EQ(tensor(dtype, "[2]", "2"), "");
  for (const char* dtype : {"F4", "F6_E2M3", "C128"}) {
    EXPECT_THAT(tensor(dtype, "[2]", "1"), HasSubstr(dtype));
  }
  // LibTorch could not have such an empty tensor.
  EXPECT_THAT(tensor("F32", "[0,4611686018427387904]", "0"), HasSubstr("too large"));
  std::string shape = "[1";
  for (int i = 0; i < 64; ++i) shape += ",1";
  EXPECT_THAT(tensor("U8", shape + "]", "1"), HasSubstr("too large"));
  const std::string many(10'000'000, ',');
  EXPECT_THAT(HeaderProblem("{\"a\":[" + many + "]}", 0), HasSubstr("values"));
}

TEST(SafetensorsHeader, WritesWhatItReads) {
  SafetensorsHeader header;
  header.metadata = {{"quote", "\""}, {"line", "\n"}};
  header.tensors = {{"weight", TensorType::kF16, {3, 1}, 0, 6}, {"é", TensorType::kBool, {}, 6, 7}};
  const std::string text = FormatSafetensorsHeader(header);
  EXPECT_EQ(text.size() % 8, 0u);
  auto read = ParseSafetensorsHeader(std::string_view(text).substr(8), 7);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->metadata, header.metadata);
  ASSERT_EQ(read->tensors.size(), 2u);
  EXPECT_EQ(read->tensors[0].type, TensorType::kF16);
  EXPECT_EQ(read->tensors[1].name, "é");
}

}  // namespace
}  // namespace fusor
