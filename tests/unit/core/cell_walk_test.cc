// Walks over parts of random grids give the trials that a plain search gives; the bytes of cells.

#include "coordinator/core/cell_walk.h"

#include <gtest/gtest.h>

#include "common/base/random.h"
#include "coordinator/core/cells.h"
#include "tests/unit/core/world_fixture.h"

namespace fusor::core {
namespace {

StageSpec RandomStage(Random& random) {
  std::vector<Axis> axes;
  const std::uint64_t count = 1 + random.Below(4);
  for (std::uint64_t a = 0; a < count; ++a) {
    axes.push_back(IntAxis("a" + std::to_string(a), static_cast<int>(1 + random.Below(5))));
  }
  StageSpec stage = StageOf("t", axes, static_cast<int>(1 + random.Below(3)));
  if (random.Chance(0.5)) {
    const std::size_t axis = random.Below(stage.axes.size());
    stage.excludes.push_back({.terms = {{axis, {0}}}, .text = "x"});
  }
  if (random.Chance(0.3)) {
    stage.drawn.emplace();
    const std::uint64_t block = Grid(stage).seed_block();
    for (std::uint64_t cell = 0; cell < block; ++cell) {
      if (random.Chance(0.3)) stage.drawn->push_back(cell);
    }
  }
  return stage;
}

CellWalk::Rows RandomRows(const StageSpec& stage, Random& random) {
  CellWalk::Rows rows;
  for (std::size_t d = 0; d < stage.dimensions.size(); ++d) {
    if (random.Chance(0.5)) continue;
    rows[d];
    for (std::uint32_t row = 0; row < stage.dimensions[d].rows.size(); ++row) {
      if (random.Chance(0.6)) rows[d].push_back(row);
    }
  }
  return rows;
}

TEST(CellWalkTest, FindsWhatAPlainSearchFinds) {
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    Random random(seed);
    const StageSpec stage = RandomStage(random);
    const Grid grid(stage);
    const CellWalk::Rows rows = RandomRows(stage, random);
    const CellWalk walk(grid, rows);
    std::vector<std::uint64_t> expected;
    for (std::uint64_t cell = 0; cell < grid.size(); ++cell) {
      bool kept = grid.IsTrial(cell);
      for (const auto& [dimension, some] : rows) {
        kept = kept && std::count(some.begin(), some.end(), grid.RowAt(cell, dimension)) > 0;
      }
      if (kept) expected.push_back(cell);
    }
    std::vector<std::uint64_t> found;
    for (auto cell = walk.Next(0); cell; cell = walk.Next(*cell + 1)) found.push_back(*cell);
    ASSERT_EQ(found, expected) << "seed " << seed;
  }
}

TEST(CellWalkTest, ClassesPartTheGrid) {
  StageSpec stage = StageOf("t", {TextAxis("precision", {"fp32", "bf16"}, ParamRole::kPrecision),
                                  IntAxis("x", 3), GpuTypeAxis({"A100", "H200"})});
  const Grid grid(stage);
  std::uint64_t found = 0;
  for (std::uint32_t number = 0; number < grid.ClassCount(); ++number) {
    const CellWalk walk(grid, grid.RowsOfClass(number));
    for (auto cell = walk.Next(0); cell; cell = walk.Next(*cell + 1)) {
      EXPECT_EQ(grid.ClassOf(*cell), number);
      ++found;
    }
  }
  EXPECT_EQ(found, grid.size());
}

TEST(CellWalkTest, NarrowFindsTheValueInZippedAxes) {
  StageSpec stage = StageOf("t", {IntAxis("a", 2), IntAxis("b", 2)});
  // a and b move together: (0, 0), (1, 0), (1, 1).
  stage.dimensions.resize(1);
  stage.dimensions.push_back({.axes = {1, 2}, .rows = {{0, 0}, {1, 0}, {1, 1}}});
  const Grid grid(stage);
  CellWalk::Rows rows;
  CellWalk::Narrow(grid, 1, 1, rows);
  EXPECT_EQ(rows.at(1), (std::vector<std::uint32_t>{1, 2}));
  CellWalk::Narrow(grid, 2, 0, rows);
  EXPECT_EQ(rows.at(1), (std::vector<std::uint32_t>{1}));
}

TEST(CellStatesTest, RemembersWhatWasSet) {
  CellStates states;
  EXPECT_FALSE(states.Get(7).has_value());
  states.Set(7, TrialState::kBlocked);
  states.Set(1'000'000, TrialState::kFailed);
  EXPECT_EQ(states.Get(7), TrialState::kBlocked);
  EXPECT_EQ(states.Get(1'000'000), TrialState::kFailed);
  EXPECT_FALSE(states.Get(8).has_value());
  EXPECT_EQ(states.NextTouched(0), 7u);
  EXPECT_EQ(states.NextTouched(8), 1'000'000u);
  EXPECT_FALSE(states.NextTouched(1'000'001).has_value());
  states.Clear(7);
  EXPECT_EQ(states.NextTouched(0), 1'000'000u);
}

TEST(CellSetTest, HoldsWhatASetHolds) {
  Random random(1);
  CellSet cells;
  std::set<std::uint64_t> expected;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t cell = random.Chance(0.9) ? random.Below(300) : random.Below(1'000'000);
    if (random.Chance(0.5)) {
      cells.Insert(cell);
      expected.insert(cell);
    } else {
      ASSERT_EQ(cells.Erase(cell), expected.erase(cell) > 0);
    }
    ASSERT_EQ(cells.empty(), expected.empty());
    ASSERT_EQ(cells.Contains(cell), expected.contains(cell));
    if (!expected.empty()) {
      ASSERT_EQ(cells.First(), *expected.begin());
    }
  }
  CellSet more;
  more.Insert(5'000'000);
  more.Merge(cells);
  EXPECT_TRUE(cells.empty());
  EXPECT_EQ(more.First(), *expected.begin());
  EXPECT_TRUE(more.Contains(5'000'000));
}

}  // namespace
}  // namespace fusor::core
