#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "common/base/limits.h"
#include "tests/unit/trainer/io/bytes.h"
#include "trainer/io/byte_cursor.h"
#include "trainer/io/pickle_reader.h"
#include "trainer/io/pickle_writer.h"

namespace fusor {
namespace {

using namespace std::string_literals;
using testing::Bytes;
using ::testing::HasSubstr;

using Kind = PickleTree::Kind;

Result<PickleTree> Read(const std::string& pickle) {
  return ReadPickle(Bytes("\x80\x02"s + pickle));
}
std::string Problem(const std::string& pickle) { return Read(pickle).status().message(); }

std::string TextOpcode(const std::string& text) {
  std::string out = "X";
  AppendBytes(out, static_cast<std::uint32_t>(text.size()));
  return out + text;
}

// A storage of `count` floats.
std::string Storage(const std::string& count, const std::string& type = "ctorch\nFloatStorage\n") {
  return "(" + TextOpcode("storage") + type + TextOpcode("0") + TextOpcode("cpu") + count + "tQ";
}
std::string Tensor(const std::string& offset, const std::string& shape,
                   const std::string& strides) {
  return "ctorch._utils\n_rebuild_tensor_v2\n(" + Storage("K\x0c") + offset + shape + strides +
         "\x89}tR.";
}

TEST(Pickle, PlainValues) {
  auto tree =
      Read("(N\x88\x89K\x07M\x01\x01J\xff\xff\xff\xffG\x3f\xf8\0\0\0\0\0\0"s + TextOpcode("text") +
           ")(K\x01tK\x02\x85]}\x8a\0\x8a\x09\0\0\0\0\0\0\0\0\x01"s + "t.");
  ASSERT_TRUE(tree.ok()) << tree.status().message();
  const PickleTree::Node& root = tree->root();
  ASSERT_EQ(root.kind, Kind::kTuple);
  ASSERT_EQ(root.items.size(), 15U);
  auto item = [&](std::size_t i) { return tree->Get(root.items[i]); };
  EXPECT_EQ(item(0).kind, Kind::kNone);
  EXPECT_TRUE(item(1).flag);
  EXPECT_FALSE(item(2).flag);
  EXPECT_EQ(item(3).integer, 7);
  EXPECT_EQ(item(4).integer, 257);
  EXPECT_EQ(item(5).integer, -1);
  EXPECT_EQ(item(6).real, 1.5);
  EXPECT_EQ(item(7).text, "text");
  EXPECT_TRUE(item(8).items.empty());
  EXPECT_EQ(tree->Get(item(9).items[0]).integer, 1);
  EXPECT_EQ(tree->Get(item(10).items[0]).integer, 2);
  EXPECT_EQ(item(11).kind, Kind::kList);
  EXPECT_EQ(item(12).kind, Kind::kDict);
  EXPECT_EQ(item(13).integer, 0);
  EXPECT_EQ(item(14).kind, Kind::kFloat);
  EXPECT_EQ(item(14).real, 18446744073709551616.0);
}

TEST(Pickle, WhatIsRememberedIsTheSameObject) {
  // A list that is remembered, put into a dict twice, and then filled.
  auto tree =
      Read("}(" + TextOpcode("a") + "]q\x01" + TextOpcode("b") + "h\x01u" + "h\x01K\x05" + "a0.");
  ASSERT_TRUE(tree.ok()) << tree.status().message();
  for (const char* name : {"a", "b"}) {
    const auto* list = tree->Find(tree->root(), name);
    ASSERT_NE(list, nullptr);
    EXPECT_EQ(list->items.size(), 1U);
  }
}

TEST(Pickle, TheLastValueOfAKeyCounts) {
  auto tree = Read("}(" + TextOpcode("a") + "K\x01" + TextOpcode("b") + "K\x02" + TextOpcode("a") +
                   "K\x03u.");
  ASSERT_TRUE(tree.ok());
  EXPECT_EQ(tree->root().items.size(), 4U);
  EXPECT_EQ(tree->Find(tree->root(), "a")->integer, 3);
}

TEST(Pickle, NothingIsCalled) {
  const std::string arguments = "(" + TextOpcode("true") + "tR.";
  EXPECT_THAT(Problem("cposix\nsystem\n" + arguments), HasSubstr("\"posix.system\""));
  EXPECT_THAT(Problem("cbuiltins\neval\n" + arguments), HasSubstr("\"builtins.eval\""));
  EXPECT_THAT(Problem(TextOpcode("os") + TextOpcode("system") + "\x93" + arguments),
              HasSubstr("\"os.system\""));
  EXPECT_THAT(Problem("ctorch\nload\n" + arguments), HasSubstr("\"torch.load\""));
  EXPECT_THAT(Problem("cnumpy.core.multiarray\nscalar\n" + arguments), HasSubstr("scalar"));
  EXPECT_THAT(Problem("ctorch\nfloat32\n)R."), HasSubstr("calls a type"));
  EXPECT_THAT(Problem(TextOpcode("x") + ")R."), HasSubstr("calls what is no name"));
  // INST, OBJ, NEWOBJ, NEWOBJ_EX, EXT1, PERSID, text protocols
  for (const char opcode : "io\x81\x92\x82PILSVF"s) {
    EXPECT_THAT(Problem("("s + opcode + "os\nsystem\n."), HasSubstr("opcode ")) << opcode;
  }
  EXPECT_THAT(Problem("]}b."), HasSubstr("sets attributes"));
}

TEST(Pickle, StackAndMarksHold) {
  for (const std::string& pickle : {"."s,
                                    "0."s,
                                    "1."s,
                                    "t."s,
                                    "a."s,
                                    "s."s,
                                    "e."s,
                                    "u."s,
                                    "R."s,
                                    "b."s,
                                    "Q."s,
                                    "\x85."s,
                                    "\x87."s,
                                    "q\x01."s,
                                    "r\x01\0\0\0."s,
                                    "\x94."s,
                                    "h\x01."s,
                                    "j\x01\0\0\0."s,
                                    "\x93."s,
                                    "(."s,
                                    "NN."s,
                                    "N(."s,
                                    "N(0."s,
                                    "N(\x85."s,
                                    "]N"s,
                                    "N(a."s,
                                    "N.N"s,
                                    "}K\x01\x85(K\x01K\x02u."s,
                                    "](K\x01K\x02u."s,
                                    "}(K\x01u."s,
                                    "}(]Nu."s}) {
    EXPECT_THAT(Problem(pickle), HasSubstr("offset ")) << pickle;
  }
}

TEST(Pickle, CyclesAndDepth) {
  EXPECT_THAT(Problem("]q\1h\1a."), HasSubstr("contains itself"));
  EXPECT_THAT(Problem("}q\1(K\1]q\2h\1au."), HasSubstr("contains itself"));
  auto nested = [](std::size_t depth) {
    return Problem(")" + std::string(depth - 1, '\x85') + ".");
  };
  EXPECT_EQ(nested(limits::kPickleDepthMax), "");
  EXPECT_THAT(nested(limits::kPickleDepthMax + 1), HasSubstr("nested"));
  EXPECT_THAT(nested(1'000'000), HasSubstr("nested"));
  // A deep tail first reached along a short way, then along a long one.
  std::string shared = ")" + std::string(70, '\x85') + "q\1" + "h\1";
  EXPECT_THAT(Problem(shared + std::string(50, '\x85') + "\x86."), HasSubstr("nested"));
  // 2^60 leaves, 60 objects.
  std::string doubled = ")";
  for (int i = 0; i < 60; ++i) doubled += "q\1h\1\x86";
  EXPECT_EQ(Problem(doubled + "."), "");
}

TEST(Pickle, GrowthHasLimits) {
  std::string nodes(limits::kPickleNodesMax + 1, 'N');
  EXPECT_THAT(Problem("(" + nodes + "t."), HasSubstr("values"));
  // One list of many pairs, made into a dict again and again.
  std::string bomb = "](";
  for (int i = 0; i < 100'000; ++i) bomb += i == 0 ? "K\1K\2\x86q\1"s : "h\1"s;
  bomb += "eq\2";
  for (int i = 0; i < 1'000; ++i) bomb += "ccollections\nOrderedDict\nh\2\x85R";
  EXPECT_THAT(Problem("(" + bomb + "t."), HasSubstr("items"));
  EXPECT_THAT(Problem("}" + TextOpcode(std::string(5'000, 'k')) + "Ns."), HasSubstr("a key of"));
  EXPECT_THAT(Problem("\x8b\0\1\0\0"s + std::string(256, 'x') + "."), HasSubstr("too long"));
  EXPECT_THAT(Problem("c" + std::string(1'000, 'm') + "\nn\n."), HasSubstr("too long"));
}

TEST(Pickle, TextsAreUtf8) {
  EXPECT_EQ(Problem(TextOpcode("\xc3\xa9") + "."), "");
  EXPECT_THAT(Problem(TextOpcode("\xc3") + "."), HasSubstr("UTF-8"));
  EXPECT_EQ(Problem("C\x01\xc3."), "");  // bytes
  EXPECT_THAT(Problem("X\xff\xff\xff\xffyes."), HasSubstr("cut short"));
  EXPECT_THAT(Problem("\x8d\xff\xff\xff\xff\xff\xff\xff\xffyes."), HasSubstr("cut short"));
  EXPECT_THAT(ReadPickle(Bytes("\x80\x01N.")).status().message(), HasSubstr("protocol 1"));
}

TEST(Pickle, TensorsStayWithinTheirStorage) {
  EXPECT_EQ(Problem(Tensor("K\0"s, "(K\3K\4t", "(K\4K\1t")), "");
  EXPECT_EQ(Problem(Tensor("K\2", "(K\3K\2t", "(K\4K\1t")), "");
  EXPECT_EQ(Problem(Tensor("K\x0b", ")", ")")), "");
  EXPECT_EQ(Problem(Tensor("K\x0c", "(K\0K\5t"s, "(K\5K\1t")), "");  // empty
  EXPECT_EQ(Problem(Tensor("K\x0b", "(K\7t", "(K\0t"s)), "");        // one element repeated
  const std::string big = "\x8a\x08\0\0\0\0\0\0\0\x7f"s;
  for (const auto& [offset, shape, strides] :
       std::vector<std::array<std::string, 3>>{{"K\1", "(K\3K\4t", "(K\4K\1t"},
                                               {"K\x0c", ")", ")"},
                                               {"J\xff\xff\xff\xff", ")", ")"},
                                               {"K\0"s, "(K\2t", "(K\x0ct"},
                                               {"K\0"s, "(K\2t", "(J\xff\xff\xff\xfft"},
                                               {"K\0"s, "(J\xff\xff\xff\xfft", "(K\1t"},
                                               {"K\0"s, "(K\3K\4t", "(K\1t"},
                                               {"K\0"s, "(" + big + big + "t", "(K\0K\0t"s},
                                               {"K\0"s, "(" + big + "K\0t"s, "(K\1K\1t"},
                                               {big, "(K\2t", "(" + big + "t"},
                                               {"N", "(K\3K\4t", "(K\4K\1t"},
                                               {"K\0"s, "(Nt", "(K\1t"},
                                               {"K\0"s, "N", "(K\1t"}}) {
    EXPECT_NE(Problem(Tensor(offset, shape, strides)), "") << shape << strides;
  }
}

TEST(Pickle, StoragesAreWhatTheySay) {
  auto problem = [](const std::string& storage) {
    return Problem("ctorch._utils\n_rebuild_tensor_v2\n(" + storage + "K\0))\x89}tR."s);
  };
  EXPECT_EQ(problem(Storage("K\1")), "");
  EXPECT_NE(problem(Storage("K\0"s)), "");
  EXPECT_NE(problem(Storage("J\xff\xff\xff\xff")), "");
  EXPECT_NE(problem(Storage("\x8a\x08\0\0\0\0\0\0\0\x7f"s)), "");
  EXPECT_NE(problem(Storage("N")), "");
  EXPECT_THAT(problem(Storage("K\4", "ctorch.storage\nUntypedStorage\n")), HasSubstr("type"));
  EXPECT_NE(problem(Storage("K\1", "ctorch\nSize\n")), "");
  EXPECT_NE(problem("K\1"), "");
  EXPECT_THAT(Problem(Storage("K\1") + "."), HasSubstr("belongs to no tensor"));
}

TEST(PickleWriter, WritesWhatIsRead) {
  PickleWriter writer;
  writer.BeginDict();
  const std::vector<std::pair<std::string, Value>> values = {
      {"yes", true},
      {"byte", std::int64_t{255}},
      {"minus", std::int64_t{-1}},
      {"word", std::int64_t{1} << 31},
      {"least", std::numeric_limits<std::int64_t>::min()},
      {"real", -0.1},
      {"text", std::string("é\n")}};
  for (const auto& [name, value] : values) {
    writer.Text(name);
    writer.Put(value);
  }
  writer.EndDict();
  auto tree = ReadPickle(Bytes(writer.Finish()));
  ASSERT_TRUE(tree.ok()) << tree.status().message();
  EXPECT_TRUE(tree->Find(tree->root(), "yes")->flag);
  EXPECT_EQ(tree->Find(tree->root(), "byte")->integer, 255);
  EXPECT_EQ(tree->Find(tree->root(), "minus")->integer, -1);
  EXPECT_EQ(tree->Find(tree->root(), "word")->integer, std::int64_t{1} << 31);
  EXPECT_EQ(tree->Find(tree->root(), "least")->integer, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(tree->Find(tree->root(), "real")->real, -0.1);
  EXPECT_EQ(tree->Find(tree->root(), "text")->text, "é\n");
}

}  // namespace
}  // namespace fusor
