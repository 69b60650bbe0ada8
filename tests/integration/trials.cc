#include "tests/integration/trials.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tests/harness/wait.h"

namespace fusor::integration {

namespace {

// All rows of a query of one column, a line each.
std::string Lines(const Cluster& cluster, const std::string& database, const std::string& query) {
  return cluster.Sql(database, "SELECT group_concat(line, char(10)) FROM (" + query + ")");
}

}  // namespace

std::string ProbeSweep(const std::string& name, const std::string& params,
                       const std::string& rest) {
  return "name: " + name +
         "\nobjective: {metric: val/accuracy, goal: maximize}\nresources: {device: cpu}\n"
         "stages:\n  s:\n    recipe: probe\n    params: {" +
         params + "}\n" + rest;
}

std::string SeriesOf(const Cluster& cluster, const std::string& sweep) {
  return Lines(cluster, "metrics.db",
               "SELECT stage || '.' || cell || ' ' || name || ' ' || step || ' ' || quote(value) "
               "|| ' ' || nonfinite AS line FROM trial_point WHERE sweep = " +
                   sweep +
                   " AND NOT superseded AND name NOT LIKE 'system/%' "
                   "ORDER BY stage, cell, name, step, attempt");
}

std::string EvaluationsOf(const Cluster& cluster, const std::string& sweep) {
  return Lines(cluster, "state.db",
               "SELECT stage || '.' || cell || ' ' || name || ' ' || step || ' ' || epoch || ' ' "
               "|| quote(value) AS line FROM evaluation AS e WHERE sweep = " +
                   sweep +
                   " AND NOT EXISTS (SELECT 1 FROM attempt AS later WHERE later.sweep = e.sweep "
                   "AND later.stage = e.stage AND later.cell = e.cell AND later.id > e.attempt "
                   "AND later.started_ms >= 0 AND later.resumed_from_step < e.step) "
                   "ORDER BY stage, cell, name, step, attempt");
}

std::string FilesOf(const Cluster& cluster, const std::string& sweep) {
  return Lines(cluster, "state.db",
               "SELECT a.stage || '.' || a.cell || ' ' || a.kind || ' ' || a.name || ' ' || a.step "
               "|| ' ' || a.sha256 AS line FROM artifact AS a JOIN attempt AS t ON t.id = "
               "a.attempt AND t.outcome = 'succeeded' WHERE a.kind <> 'checkpoint' AND a.sweep = " +
                   sweep + " ORDER BY a.stage, a.cell, a.name, a.id");
}

std::string Difference(std::string_view a, std::string_view b) {
  if (a == b) return "";
  const auto [in_a, in_b] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  const auto line_at = [](std::string_view text, std::size_t at) {
    const std::size_t begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
    return std::string(text.substr(begin, text.find('\n', at) - begin));
  };
  return "'" + line_at(a, static_cast<std::size_t>(in_a - a.begin())) + "' and '" +
         line_at(b, static_cast<std::size_t>(in_b - b.begin())) + "'";
}

void ExpectEachSucceededOnce(const Cluster& cluster, const std::string& sweep, int trials) {
  const std::string all = std::to_string(trials);
  EXPECT_EQ(cluster.Sql("state.db",
                        "SELECT count(*) FROM trial WHERE state = 'succeeded' AND "
                        "sweep = " +
                            sweep),
            all);
  EXPECT_EQ(
      cluster.Sql("state.db", "SELECT count(*) FROM (SELECT 1 FROM attempt WHERE sweep = " + sweep +
                                  " GROUP BY stage, cell HAVING sum(outcome = 'succeeded') = 1 AND "
                                  "count(*) = max(number))"),
      all);
  EXPECT_EQ(
      cluster.Sql("state.db", "SELECT count(*) FROM attempt WHERE state NOT IN ('ended', 'lost')"),
      "0");
  EXPECT_EQ(cluster.Sql("state.db", "SELECT count(*) FROM lease"), "0");
}

bool NothingLeftIn(const std::filesystem::path& agent) {
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(agent / "spool", failed)) {
    if (entry.is_directory()) return false;
  }
  return !failed && std::filesystem::is_empty(agent / "attempts", failed) && !failed;
}

void ExpectSound(Cluster& cluster) {
  cluster.daemon().program().Signal(SIGTERM);
  ASSERT_TRUE(harness::WaitUntil([&] { return !cluster.daemon().program().Running(); }, 30));
  const std::filesystem::path said = cluster.path() / "verify.txt";
  const std::string line = "'" + harness::Binary("fusord").string() + "' verify --deep --data '" +
                           cluster.data().string() + "' >'" + said.string() + "' 2>&1";
  EXPECT_EQ(std::system(line.c_str()), 0) << harness::Slurp(said);
}

}  // namespace fusor::integration
