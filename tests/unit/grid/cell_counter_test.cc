#include "coordinator/core/cell_counter.h"

#include <gtest/gtest.h>

#include "coordinator/core/grid.h"
#include "tests/unit/grid/random_stage.h"

namespace fusor {
namespace {

CellCounter::Rows RandomRows(const StageSpec& stage, Random& random) {
  CellCounter::Rows rows;
  for (std::size_t d = 0; d < stage.dimensions.size(); ++d) {
    if (!random.Chance(0.4)) continue;
    auto& listed = rows[d];
    for (std::uint32_t row = 0; row < stage.dimensions[d].rows.size(); ++row) {
      if (random.Chance(0.6)) listed.push_back(row);
    }
  }
  return rows;
}

bool Inside(const Grid& grid, const CellCounter::Rows& rows, std::uint64_t cell) {
  for (const auto& [dimension, listed] : rows) {
    bool found = false;
    for (const std::uint32_t row : listed) found = found || grid.RowAt(cell, dimension) == row;
    if (!found) return false;
  }
  return true;
}

TEST(CellCounter, AgreesWithEnumeration) {
  for (int world = 0; world < 1'500; ++world) {
    Random random(static_cast<std::uint64_t>(world) + 30'000);
    const StageSpec stage = RandomStage(random);
    const CellCounter::Rows rows = RandomRows(stage, random);
    const Grid grid(stage);
    std::uint64_t cells = 0;
    std::uint64_t trials = 0;
    std::vector<std::uint64_t> excluded(stage.excludes.size(), 0);
    for (std::uint64_t cell = 0; cell < grid.size(); ++cell) {
      if (!Inside(grid, rows, cell)) continue;
      ++cells;
      trials += grid.IsTrial(cell) ? 1 : 0;
      if (const auto rule = grid.ExcludedBy(cell)) ++excluded[*rule];
    }
    const CellCounter::Counts counts = CellCounter(stage).Count(rows);
    ASSERT_EQ(counts.cells, cells) << "world " << world;
    ASSERT_EQ(counts.trials, trials) << "world " << world;
    ASSERT_EQ(counts.excluded, excluded) << "world " << world;
  }
}

TEST(CellCounter, ClassesPartitionTheTrials) {
  StageSpec stage = PlainStage({2, 3, 4, 2});
  stage.axes[1].role = ParamRole::kPrecision;
  stage.axes[1].values = {"fp32", "bf16", "fp16"};
  stage.axes[3].role = ParamRole::kDataset;
  stage.axes[3].values = {"cifar10", "cifar100"};
  stage.excludes = {
      {.terms = {{.axis = 1, .values = {2}}, {.axis = 2, .values = {0, 3}}}, .text = ""}};
  const Grid grid(stage);
  const CellCounter counter(stage);
  std::vector<std::uint64_t> by_cell(grid.ClassCount(), 0);
  for (std::uint64_t cell = 0; cell < grid.size(); ++cell) {
    if (grid.IsTrial(cell)) ++by_cell[grid.ClassOf(cell)];
  }
  for (std::uint32_t c = 0; c < grid.ClassCount(); ++c) {
    EXPECT_EQ(counter.Count(grid.RowsOfClass(c)).trials, by_cell[c]);
  }
}

TEST(CellCounter, CostsNothingPerCell) {
  // 10^15 cells: only arithmetic can count them.
  StageSpec stage = PlainStage({1'000, 1'000, 1'000, 1'000, 1'000});
  stage.excludes = {
      {.terms = {{.axis = 1, .values = {5}}, {.axis = 2, .values = {5, 6}}}, .text = ""},
      {.terms = {{.axis = 2, .values = {6}}, {.axis = 4, .values = {0}}}, .text = ""}};
  const CellCounter::Counts counts = CellCounter(stage).Count();
  EXPECT_EQ(counts.cells, 1'000'000'000'000'000U);
  EXPECT_EQ(counts.excluded, (std::vector<std::uint64_t>{2'000'000'000, 999'000'000}));
  EXPECT_EQ(counts.trials, counts.cells - 2'999'000'000);
}

}  // namespace
}  // namespace fusor
