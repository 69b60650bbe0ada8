#include <gtest/gtest.h>

#include <algorithm>

#include "coordinator/core/grid.h"
#include "tests/unit/grid/random_stage.h"

namespace fusor {
namespace {

void ExpectDistinctTrials(const StageSpec& stage, const std::vector<std::uint64_t>& drawn) {
  const Grid grid(stage);
  EXPECT_TRUE(std::is_sorted(drawn.begin(), drawn.end()));
  EXPECT_EQ(std::adjacent_find(drawn.begin(), drawn.end()), drawn.end());
  for (const std::uint64_t cell : drawn) {
    EXPECT_LT(cell, grid.seed_block());
    EXPECT_TRUE(grid.IsTrial(cell));
  }
}

TEST(DrawCells, DrawsDistinctCellsThatAreNotExcluded) {
  for (int world = 0; world < 200; ++world) {
    Random random(static_cast<std::uint64_t>(world) + 50'000);
    StageSpec stage = RandomStage(random);
    stage.drawn.reset();
    std::erase_if(stage.excludes, [&](const Exclude& rule) { return NamesSeed(stage, rule); });
    const std::uint64_t seeds = stage.dimensions[0].rows.size();
    const std::uint64_t left = Grid(stage).TrialCount() / seeds;
    for (const std::uint64_t trials : {left / 3, left}) {
      const auto drawn = DrawCells(stage, trials, 9);
      EXPECT_EQ(drawn.size(), trials);
      ExpectDistinctTrials(stage, drawn);
    }
  }
}

TEST(DrawCells, DependsOnTheSeedAlone) {
  const StageSpec stage = PlainStage({2, 100, 100, 100});
  const auto drawn = DrawCells(stage, 500, 1);
  EXPECT_EQ(drawn, DrawCells(stage, 500, 1));
  EXPECT_NE(drawn, DrawCells(stage, 500, 2));
  ExpectDistinctTrials(stage, drawn);
  // Fixed for ever: a sweep that is read again must have the same trials.
  EXPECT_EQ(DrawCells(stage, 3, 1), (std::vector<std::uint64_t>{470'532, 859'331, 939'337}));
  EXPECT_EQ(DrawCells(PlainStage({1, 10, 10}), 3, 1), (std::vector<std::uint64_t>{26, 37, 88}));
}

TEST(DrawCells, IsUniform) {
  // Each of 20 cells is drawn 5 times in 20 draws of 5 on average; chi-square with 19 degrees.
  const StageSpec stage = PlainStage({1, 4, 5});
  std::vector<double> hits(20, 0);
  constexpr int kDraws = 4'000;
  for (int i = 0; i < kDraws; ++i) {
    for (const std::uint64_t cell : DrawCells(stage, 5, static_cast<std::uint64_t>(i)))
      ++hits[cell];
  }
  double chi = 0;
  for (const double count : hits)
    chi += (count - kDraws / 4.0) * (count - kDraws / 4.0) / (kDraws / 4.0);
  EXPECT_LT(chi, 43.8);  // 0.001
}

TEST(DrawCells, MoreSeedsDrawTheSame) {
  const StageSpec two = PlainStage({2, 50, 7});
  const StageSpec five = PlainStage({5, 50, 7});
  EXPECT_EQ(DrawCells(two, 20, 3), DrawCells(five, 20, 3));
}

TEST(DrawCells, ASparseGridIsNoTrap) {
  StageSpec stage = PlainStage({1, 1'000, 1'000});
  Exclude rule{.terms = {{.axis = 1, .values = {}}}, .text = ""};
  for (std::uint32_t i = 1; i < 1'000; ++i) rule.terms[0].values.push_back(i);
  stage.excludes = {rule};
  ExpectDistinctTrials(stage, DrawCells(stage, 400, 1));
}

}  // namespace
}  // namespace fusor
