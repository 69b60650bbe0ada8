#include "common/text/yaml.h"

#include <gtest/gtest.h>

namespace fusor {
namespace {

YamlNode Parsed(std::string_view text) {
  YamlDocument document = ParseYaml(text);
  for (const YamlProblem& problem : document.problems) ADD_FAILURE() << problem.message;
  return document.root;
}

// "line:column: message" per problem.
std::string Problems(std::string_view text, const YamlLimits& limits = {}) {
  std::string all;
  for (const YamlProblem& problem : ParseYaml(text, 0, limits).problems) {
    if (!all.empty()) all += '\n';
    all += std::to_string(problem.place.line) + ':' + std::to_string(problem.place.column) + ": " +
           problem.message;
  }
  return all;
}

TEST(ParseYaml, KeepsWhatWasWrittenAndWhere) {
  const YamlNode root = Parsed("a: no\nb: ['010', 1e3, \"x\", null, ]\nc:\n  d: |\n    text\n");
  ASSERT_EQ(root.kind, YamlNode::Kind::kMap);
  ASSERT_EQ(root.entries.size(), 3U);
  const YamlNode& no = root.Find("a")->value;
  EXPECT_EQ(no.text, "no");
  EXPECT_FALSE(no.quoted);
  EXPECT_EQ(no.place, (TextPlace{1, 4}));
  const YamlNode& list = root.Find("b")->value;
  ASSERT_EQ(list.items.size(), 4U);
  EXPECT_EQ(list.items[0].text, "010");
  EXPECT_TRUE(list.items[0].quoted);
  EXPECT_EQ(list.items[1].text, "1e3");
  EXPECT_EQ(list.items[1].place, (TextPlace{2, 12}));
  EXPECT_TRUE(list.items[2].quoted);
  EXPECT_EQ(list.items[3].kind, YamlNode::Kind::kNull);
  EXPECT_EQ(list.items[3].text, "null");
  const YamlEntry* d = root.Find("c")->value.Find("d");
  ASSERT_NE(d, nullptr);
  EXPECT_EQ(d->place, (TextPlace{4, 3}));
  EXPECT_EQ(d->value.text, "text\n");
  EXPECT_TRUE(d->value.quoted);
  EXPECT_EQ(root.Find("e"), nullptr);
}

TEST(ParseYaml, TellsNothingFromNull) {
  const YamlNode root = Parsed("a:\nb: ~\nc: NULL\nd: 'null'\n");
  EXPECT_EQ(root.Find("a")->value.kind, YamlNode::Kind::kNull);
  EXPECT_EQ(root.Find("a")->value.text, "");
  EXPECT_EQ(root.Find("b")->value.text, "");
  EXPECT_EQ(root.Find("c")->value.text, "NULL");
  EXPECT_EQ(root.Find("d")->value.kind, YamlNode::Kind::kScalar);
}

TEST(ParseYaml, KeepsTagsAndSources) {
  const YamlDocument document = ParseYaml("a: !!str 5\nb: !mine {x: 1}\n", 3);
  const YamlNode& a = document.root.Find("a")->value;
  EXPECT_EQ(a.tag, "tag:yaml.org,2002:str");
  EXPECT_EQ(a.source, 3);
  EXPECT_EQ(document.root.Find("b")->value.tag, "!mine");
  EXPECT_EQ(document.root.entries[0].source, 3);
}

TEST(ParseYaml, AliasesAreCopies) {
  const YamlNode root = Parsed("a: &x [1, 2]\nb: *x\nc: {d: *x}\n");
  EXPECT_EQ(root.Find("b")->value.items.size(), 2U);
  EXPECT_EQ(root.Find("c")->value.Find("d")->value.items[1].text, "2");
}

TEST(ParseYaml, AnEmptyTextIsNull) {
  EXPECT_EQ(Parsed("").kind, YamlNode::Kind::kNull);
  EXPECT_EQ(Parsed("# only this\n").kind, YamlNode::Kind::kNull);
}

TEST(ParseYaml, RefusesWithPlace) {
  EXPECT_EQ(Problems("a: 1\nb: 2\na: 3\nb: 4\n"),
            "3:1: duplicate key 'a' (first on line 1)\n4:1: duplicate key 'b' (first on line 2)");
  EXPECT_EQ(Problems("a: {b: 1, 'b': 2}"), "1:11: duplicate key 'b' (first on line 1)");
  EXPECT_EQ(Problems("a: {crashes:0, c: 1}"),
            "1:5: 'crashes:0' is one word; with a blank behind the colon: 'crashes: 0'");
  EXPECT_EQ(Problems("a: [1, 2\n"), "2:1: not YAML: end of sequence flow not found");
  EXPECT_EQ(Problems("a: b: c\n"), "1:5: not YAML: illegal map value");
  EXPECT_EQ(Problems("a: 1\n---\nb: 2\n"), "1:1: more than one document");
  EXPECT_EQ(Problems("? [a]\n: 1\n"), "1:3: a key must be a name");
  EXPECT_EQ(Problems("a: &x {b: 1}\nc:\n  <<: *x\n"),
            "3:3: merge keys (<<) are not read; write the keys out");
  EXPECT_EQ(Problems("a: &x [*x]\n"), "1:8: an alias to something that contains it");
  EXPECT_EQ(Problems("a: *x\n"), "1:4: not YAML: the referenced anchor is not defined");
  EXPECT_EQ(Problems("a: 1\nb: x\x04y\n"), "2:5: a control character");
  EXPECT_EQ(Problems("a: \xff\n"), "1:4: a byte that is not UTF-8");
}

TEST(ParseYaml, HasLimits) {
  EXPECT_EQ(Problems("a: 12345", {.bytes_max = 7}), "1:1: larger than 7 bytes");
  EXPECT_EQ(Problems("[1, 2, 3, 4]", {.nodes_max = 3}), "1:11: more than 3 values");
  EXPECT_EQ(Problems("[[[1]]]", {.depth_max = 2}), "1:3: nested deeper than 2 levels");
  EXPECT_EQ(Problems("a: &x [[1]]\nb: [[*x]]\n", {.depth_max = 4}),
            "2:6: nested deeper than 4 levels");
  EXPECT_FALSE(Problems(std::string(100'000, '[')).empty());
  EXPECT_FALSE(Problems(std::string(100'000, '{')).empty());
}

TEST(ParseYaml, AliasBombsStayOnTheGround) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 0; j < 9; ++j) bomb += ", " + before;
    bomb += "]\n";
  }
  EXPECT_EQ(Problems(bomb), "6:25: more than 500000 values");
}

}  // namespace
}  // namespace fusor
