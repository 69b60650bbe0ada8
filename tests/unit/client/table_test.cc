#include "client/format/table.h"

#include <gtest/gtest.h>

#include <limits>
#include <sstream>

#include "client/format/problem.h"

namespace fusor::client {
namespace {

Table Sample() {
  Table table;
  table.columns = {{"id", "ID", true},
                   {"name", "NAME", false, true},
                   {"empty", "EMPTY"},
                   {"axes.model", "", false, false, Show::kData},
                   {"axes.seed", "", false, false, Show::kData},
                   {"bar", "BAR", false, false, Show::kPeople}};
  table.rows.push_back({Cell(7, "7"), "a, \"quoted\" name", "", Cell("resnet", ""), Cell(0, ""),
                        Cell(Json(), "█░")});
  table.rows.push_back(
      {Cell(12, "12"), "plain", "", Cell(Json(), ""), Cell(1, ""), Cell(Json(), "██")});
  return table;
}

std::string Written(Output output) {
  std::ostringstream out;
  WriteTable(out, output, Look(), Sample());
  return out.str();
}

TEST(Table, AlignsColumnsAndLeavesOutEmptyOnes) {
  EXPECT_EQ(Written(Output::kTable),
            "ID  NAME              BAR\n"
            " 7  a, \"quoted\" name  █░\n"
            "12  plain             ██\n");
}

TEST(Table, JsonNestsDottedKeys) {
  EXPECT_EQ(Written(Output::kJson),
            "[\n"
            "  {\"id\": 7, \"name\": \"a, \\\"quoted\\\" name\", \"empty\": \"\", "
            "\"axes\": {\"model\": \"resnet\", \"seed\": 0}},\n"
            "  {\"id\": 12, \"name\": \"plain\", \"empty\": \"\", "
            "\"axes\": {\"model\": null, \"seed\": 1}}\n"
            "]\n");
}

TEST(Table, CsvQuotesWhatItMust) {
  EXPECT_EQ(Written(Output::kCsv),
            "id,name,empty,axes.model,axes.seed\n"
            "7,\"a, \"\"quoted\"\" name\",,resnet,0\n"
            "12,plain,,,1\n");
}

TEST(Table, IdsAreOnePerLine) { EXPECT_EQ(Written(Output::kId), "7\n12\n"); }

TEST(Table, EmptyListsAreValid) {
  Table table = Sample();
  table.rows.clear();
  std::ostringstream json;
  WriteTable(json, Output::kJson, Look(), table);
  EXPECT_EQ(json.str(), "[]\n");
  std::ostringstream ids;
  WriteTable(ids, Output::kId, Look(), table);
  EXPECT_EQ(ids.str(), "");
}

TEST(Table, FlexibleColumnsGiveWayOnNarrowTerminals) {
  Table table;
  table.columns = {{"id", "ID"}, {"name", "NAME", false, true}, {"state", "STATE"}};
  table.rows.push_back({"1", "a-very-long-name-that-does-not-fit", "running"});
  Look look;
  look.width = 30;
  EXPECT_EQ(RenderTable(table, look),
            "ID  NAME               STATE\n"
            "1   a-very-long-name…  running\n");
}

TEST(Table, ColumnsThatWrapGoOnBelow) {
  Table table;
  table.columns = {{"name", "NAME"}, {"help", "MEANING", false, true, Show::kAlways, true}};
  table.rows = {{"a", "passes over the images"}, {"bc", "short"}};
  EXPECT_EQ(RenderTable(table, {.width = 20}),
            "NAME  MEANING\n"
            "a     passes over\n"
            "      the images\n"
            "bc    short\n");
  EXPECT_EQ(RenderTable(table, {}), "NAME  MEANING\na     passes over the images\nbc    short\n");
}

TEST(Table, FieldsLineUp) {
  EXPECT_EQ(RenderFields({{"a", "1"}, {"none", ""}, {"long", "2\n3"}}, Look()),
            "a     1\nlong  2\n      3\n");
}

TEST(Json, KeepsOrderAndTypes) {
  Json json = Json::Object();
  json.Set("b", 1).Set("a", 0.5).Set("t", true).Set("none", Json()).Set("b", 2U);
  json.Set("nan", std::numeric_limits<double>::quiet_NaN());
  json.Set("text", "line\n\x01");
  EXPECT_EQ(json.Line(),
            "{\"b\": 2, \"a\": 0.5, \"t\": true, \"none\": null, \"nan\": \"nan\", "
            "\"text\": \"line\\n\\u0001\"}");
}

TEST(Json, LargeNumbersAreWhole) {
  EXPECT_EQ(Json(std::numeric_limits<std::uint64_t>::max()).Line(), "18446744073709551615");
  EXPECT_EQ(Json(std::numeric_limits<std::int64_t>::min()).Line(), "-9223372036854775808");
}

TEST(Json, PrettyBreaksOnlyWhatIsLong) {
  Json json = Json::Object();
  json.Set("short", Json::Texts({"a", "b"}));
  json.Set("long", Json::Texts({std::string(60, 'x'), std::string(60, 'y')}));
  EXPECT_EQ(json.Pretty(), "{\n  \"short\": [\"a\", \"b\"],\n  \"long\": [\n    \"" +
                               std::string(60, 'x') + "\",\n    \"" + std::string(60, 'y') +
                               "\"\n  ]\n}");
}

TEST(Json, CsvTextIsBare) {
  EXPECT_EQ(Json("a\"b").CsvText(), "a\"b");
  EXPECT_EQ(Json().CsvText(), "");
  EXPECT_EQ(Json(std::numeric_limits<double>::infinity()).CsvText(), "inf");
  EXPECT_EQ(Json::Texts({"a"}).CsvText(), "[\"a\"]");
}

TEST(Problem, PointsAtTheColumn) {
  EXPECT_EQ(RenderProblem({2, 3, "stages.x", "unknown key 'epocs'; did you mean 'epochs'?"},
                          "sweep.yaml", "name: x\n  epocs: 3\nend\n", Look()),
            "sweep.yaml:2:3: unknown key 'epocs'; did you mean 'epochs'?\n"
            "    2 |   epocs: 3\n"
            "      |   ^\n");
}

TEST(Problem, TabsAndWideCharactersKeepTheCaretBelow) {
  EXPECT_EQ(RenderProblem({1, 4, "", "bad"}, "f", "\té: x\r\n", Look()),
            "f:1:4: bad\n    1 | \té: x\n      | \t  ^\n");
}

TEST(Problem, OverridesHaveNoLine) {
  EXPECT_EQ(RenderProblem({0, 0, "a.b", "--set a.b=0: too small"}, "f", "x\n", Look()),
            "--set a.b=0: too small\n");
  EXPECT_EQ(RenderProblem({0, 0, "stages", "missing"}, "f", "", Look()), "f: stages: missing\n");
}

TEST(Problem, LinesBeyondTheFileAreNotShown) {
  EXPECT_EQ(RenderProblem({9, 1, "", "missing"}, "f", "x\n", Look()), "f:9:1: missing\n");
}

}  // namespace
}  // namespace fusor::client
