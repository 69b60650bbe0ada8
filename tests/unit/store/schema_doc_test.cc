// docs/storage.md is the schema's contract: it lists every table with its columns, in their order.

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "coordinator/store/metrics_schema.h"
#include "coordinator/store/state_schema.h"
#include "tests/unit/store/store_fixture.h"

namespace fusor {
namespace {

using Tables = std::map<std::string, std::vector<std::string>>;

// Lines "name   column, column," with further columns on indented lines, in the fenced blocks of
// the section that starts with `heading`.
Tables Documented(const std::string& heading) {
  std::ifstream file(FUSOR_SOURCE_DIR "/docs/storage.md");
  EXPECT_TRUE(file.good());
  Tables tables;
  std::string table;
  bool is_here = false;
  bool is_fenced = false;
  bool holds_tables = false;  // a fence with a language does not
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) is_here = line.starts_with(heading);
    if (line.starts_with("```")) {
      is_fenced = !is_fenced;
      holds_tables = is_fenced && line == "```";
      continue;
    }
    if (!is_here || !holds_tables) continue;
    std::istringstream words(line);
    if (line[0] != ' ') words >> table;
    for (std::string column; words >> column;) {
      if (column.back() == ',') column.pop_back();
      tables[table].push_back(column);
    }
  }
  return tables;
}

Tables Present(const DatabaseFormat& format) {
  const TempDirectory directory;
  const auto database = OpenForWriting(format, {directory.path(), false});
  EXPECT_TRUE(database.ok()) << database.status().ToString();
  sql::Statement select;
  EXPECT_TRUE(database
                  ->PrepareInto(select,
                                "SELECT m.name, c.name FROM sqlite_schema AS m"
                                " CROSS JOIN pragma_table_info(m.name) AS c"
                                " WHERE m.type IN ('table', 'view') ORDER BY m.name, c.cid")
                  .ok());
  Tables tables;
  while (select.Next()) tables[std::string(select.Text(0))].emplace_back(select.Text(1));
  return tables;
}

TEST(SchemaDoc, StateIsDescribedAsItIs) {
  EXPECT_EQ(Documented("## state.db"), Present(StateFormat()));
}

TEST(SchemaDoc, MetricsAreDescribedAsTheyAre) {
  EXPECT_EQ(Documented("## metrics.db"), Present(MetricsFormat()));
}

TEST(SchemaDoc, EveryColumnIsStrictAndNeverNull) {
  for (const DatabaseFormat* format : {&StateFormat(), &MetricsFormat()}) {
    const TempDirectory directory;
    const auto database = OpenForWriting(*format, {directory.path(), false});
    ASSERT_TRUE(database.ok());
    EXPECT_EQ(
        *database->QueryInt("SELECT count(*) FROM pragma_table_list"
                            " WHERE type = 'table' AND NOT strict AND name NOT LIKE 'sqlite%'"),
        0);
    EXPECT_EQ(*database->QueryInt("SELECT count(*) FROM sqlite_schema AS m"
                                  " CROSS JOIN pragma_table_info(m.name) AS c"
                                  " WHERE m.type = 'table' AND NOT c.\"notnull\" AND c.pk = 0"),
              0);
  }
}

}  // namespace
}  // namespace fusor
