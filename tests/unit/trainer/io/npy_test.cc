#include "trainer/io/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tests/unit/trainer/io/bytes.h"
#include "tests/unit/worker/temp_dir.h"

namespace fusor {
namespace {

using testing::Bytes;
using ::testing::ElementsAre;
using testing::FileText;
using ::testing::HasSubstr;
using testing::RecordedPath;

std::string NpyText(const std::string& header, const std::string& data, char major = 1) {
  std::string text = "\x93NUMPY";
  text += major;
  text += '\0';
  for (int i = 0; i < (major == 1 ? 2 : 4); ++i) {
    text += static_cast<char>(header.size() >> (8 * i) & 0xff);
  }
  return text + header + data;
}

std::string Problem(const std::string& text) { return ParseNpy(Bytes(text)).status().message(); }

std::string HeaderProblem(const std::string& header) {
  return Problem(NpyText(header, std::string(8, 'x')));
}

TEST(Npy, ReadsWhatNumpyWrote) {
  auto indices = ReadIndexFile(RecordedPath("indices.npy"), 10);
  ASSERT_TRUE(indices.ok()) << indices.status().message();
  EXPECT_THAT(*indices, ElementsAre(3, 1, 4, 1, 5, 9, 2, 6));
  const auto bytes = testing::Recorded("matrix.npy");
  auto matrix = ParseNpy(bytes);
  ASSERT_TRUE(matrix.ok()) << matrix.status().message();
  EXPECT_EQ(matrix->type, TensorType::kF32);
  EXPECT_THAT(matrix->shape, ElementsAre(2, 3));
  float last;
  std::memcpy(&last, matrix->data.data() + 20, 4);
  EXPECT_EQ(last, 5.0F);
}

TEST(Npy, WritesTheBytesThatNumpyWrites) {
  agent::TempDir root;
  const std::string path = root.path() / "indices.npy";
  ASSERT_TRUE(WriteIndexFile(path, std::vector<std::int64_t>{3, 1, 4, 1, 5, 9, 2, 6}).ok());
  EXPECT_EQ(FileText(path), FileText(RecordedPath("indices.npy")));
  const std::vector<float> values = {0, 1, 2, 3, 4, 5};
  ASSERT_TRUE(WriteNpy(path, {TensorType::kF32, {2, 3}, std::as_bytes(std::span(values))}).ok());
  EXPECT_EQ(FileText(path), FileText(RecordedPath("matrix.npy")));
}

TEST(Npy, EmptyAndScalar) {
  agent::TempDir root;
  const std::string path = root.path() / "a.npy";
  ASSERT_TRUE(WriteIndexFile(path, {}).ok());
  auto empty = ReadIndexFile(path);
  ASSERT_TRUE(empty.ok()) << empty.status().message();
  EXPECT_TRUE(empty->empty());
  const double value = 1.5;
  ASSERT_TRUE(WriteNpy(path, {TensorType::kF64, {}, std::as_bytes(std::span(&value, 1))}).ok());
  const auto bytes = Bytes(FileText(path));
  EXPECT_EQ(ParseNpy(bytes)->shape.size(), 0U);
  EXPECT_FALSE(WriteNpy(path, {TensorType::kBF16, {0}, {}}).ok());
  EXPECT_FALSE(WriteNpy(path, {TensorType::kI64, {1}, {}}).ok());
}

TEST(Npy, HeadersInAnyOrderAndBothFormats) {
  const std::string header = "{\"shape\": (2,3), 'fortran_order':False ,'descr':'|u1'}\n";
  for (char major : {1, 2}) EXPECT_EQ(Problem(NpyText(header, "abcdef", major)), "");
  EXPECT_THAT(Problem(NpyText(header, "abcdef", 3)), HasSubstr("offset 6: format 3.0"));
  EXPECT_EQ(HeaderProblem("{'descr':'<i8','fortran_order':True,'shape':(1,)}"), "");
}

TEST(Npy, RefusesWhatIsNotPlain) {
  const std::string order = "'fortran_order':False,";
  EXPECT_THAT(HeaderProblem("{'descr':'>i8'," + order + "'shape':(1,)}"), HasSubstr("'>i8'"));
  EXPECT_THAT(HeaderProblem("{'descr':'|O'," + order + "'shape':(1,)}"), HasSubstr("'|O'"));
  EXPECT_THAT(HeaderProblem("{'descr':[('a','<i8')]," + order + "'shape':(1,)}"),
              HasSubstr("records"));
  EXPECT_THAT(HeaderProblem("{'descr':'<i4','fortran_order':True,'shape':(1,2)}"),
              HasSubstr("Fortran"));
  for (const char* shape : {"(-1,)", "(1", "1", "(1,,)", "(99999999999999999999,)", "(1 1)",
                            "(4611686018427387904,2)", "(0,4611686018427387904)"}) {
    EXPECT_NE(HeaderProblem("{'descr':'<i8'," + order + "'shape':" + shape + "}"), "") << shape;
  }
  for (const char* header :
       {"", "{", "{}", "{'descr':'<i8'}", "{'descr':'<i8','descr':'<i8'}", "{'more':1}",
        "{'descr':'<i8','fortran_order':False,'shape':(1,)} x", "{'descr':<i8}", "{'descr'",
        "{'descr':'<i8", "{'descr':'<i8','fortran_order':0,'shape':(1,)}"}) {
    EXPECT_THAT(HeaderProblem(header), HasSubstr("offset ")) << header;
  }
}

TEST(Npy, EveryLengthIsChecked) {
  const std::string whole = FileText(RecordedPath("indices.npy"));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THAT(Problem(whole.substr(0, length)), HasSubstr("offset ")) << length;
  }
  EXPECT_THAT(Problem(whole + "x"), HasSubstr("takes 64 bytes, the file has 65"));
  EXPECT_THAT(Problem(NpyText(std::string(1 << 20, ' '), "", 2)), HasSubstr("at most"));
}

TEST(IndexFile, ChecksTypeAndRange) {
  agent::TempDir root;
  const std::string path = root.path() / "a.npy";
  EXPECT_EQ(ReadIndexFile(path).status().code(), Code::kNotFound);
  EXPECT_THAT(ReadIndexFile(RecordedPath("matrix.npy")).status().message(),
              HasSubstr("matrix.npy: F32[2,3], expected a list of indices"));
  EXPECT_THAT(ReadIndexFile(RecordedPath("indices.npy"), 9).status().message(),
              HasSubstr("indices.npy: offset 168: index 9, expected 0 to 8"));
  ASSERT_TRUE(WriteIndexFile(path, std::vector<std::int64_t>{0, -1}).ok());
  EXPECT_THAT(ReadIndexFile(path).status().message(), HasSubstr("index -1"));
}

}  // namespace
}  // namespace fusor
