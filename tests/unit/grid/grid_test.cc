#include "coordinator/core/grid.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/unit/grid/random_stage.h"

namespace fusor {
namespace {

constexpr int kWorlds = 400;

// The rule of thumb against which everything is held: walk all rows, the last dimension fastest.
std::vector<std::vector<std::uint32_t>> AllRows(const StageSpec& stage) {
  std::vector<std::vector<std::uint32_t>> all = {{}};
  for (const Dimension& dimension : stage.dimensions) {
    std::vector<std::vector<std::uint32_t>> next;
    for (const auto& rows : all) {
      for (std::uint32_t row = 0; row < dimension.rows.size(); ++row) {
        next.push_back(rows);
        next.back().push_back(row);
      }
    }
    all = std::move(next);
  }
  return all;
}

TEST(Grid, CellsAreThePositionsOfTheWalk) {
  for (int world = 0; world < kWorlds; ++world) {
    Random random(static_cast<std::uint64_t>(world));
    const StageSpec stage = RandomStage(random);
    const Grid grid(stage);
    const auto all = AllRows(stage);
    ASSERT_EQ(grid.size(), all.size());
    for (std::uint64_t cell = 0; cell < all.size(); ++cell) {
      for (std::size_t d = 0; d < stage.dimensions.size(); ++d) {
        ASSERT_EQ(grid.RowAt(cell, d), all[cell][d]);
        for (std::size_t column = 0; column < stage.dimensions[d].axes.size(); ++column) {
          const std::size_t axis = stage.dimensions[d].axes[column];
          const std::uint32_t index = stage.dimensions[d].rows[all[cell][d]][column];
          ASSERT_EQ(grid.ValueIndex(cell, axis), index);
          ASSERT_EQ(grid.ValueAt(cell, axis), stage.axes[axis].values[index]);
        }
      }
    }
  }
}

// Excluded as the words say: some rule has every term matched.
std::optional<std::size_t> ExcludedByWords(const StageSpec& stage, const Grid& grid,
                                           std::uint64_t cell) {
  for (std::size_t i = 0; i < stage.excludes.size(); ++i) {
    bool all = true;
    for (const Exclude::Term& term : stage.excludes[i].terms) {
      bool one = false;
      for (const std::uint32_t value : term.values) {
        one = one || grid.ValueIndex(cell, term.axis) == value;
      }
      all = all && one;
    }
    if (all) return i;
  }
  return std::nullopt;
}

TEST(Grid, TrialsAreTheCellsDrawnAndNotExcluded) {
  int with_rules = 0;
  for (int world = 0; world < kWorlds; ++world) {
    Random random(static_cast<std::uint64_t>(world) + 10'000);
    const StageSpec stage = RandomStage(random);
    const Grid grid(stage);
    std::uint64_t trials = 0;
    std::vector<std::uint64_t> listed;
    for (std::uint64_t cell = 0; cell < grid.size(); ++cell) {
      const auto excluded = ExcludedByWords(stage, grid, cell);
      ASSERT_EQ(grid.ExcludedBy(cell), excluded);
      bool drawn = !stage.drawn;
      if (stage.drawn) {
        for (const std::uint64_t position : *stage.drawn) {
          drawn = drawn || position == cell % grid.seed_block();
        }
      }
      ASSERT_EQ(grid.IsTrial(cell), drawn && !excluded);
      if (drawn && !excluded) listed.push_back(cell);
      trials += drawn && !excluded ? 1 : 0;
      with_rules += excluded ? 1 : 0;
    }
    EXPECT_EQ(grid.TrialCount(), trials) << "world " << world;
    EXPECT_FALSE(grid.IsTrial(grid.size()));
    std::vector<std::uint64_t> walked;
    for (auto cell = grid.NextTrial(0); cell; cell = grid.NextTrial(*cell + 1)) {
      walked.push_back(*cell);
    }
    EXPECT_EQ(walked, listed);
  }
  EXPECT_GT(with_rules, 1'000);
}

TEST(Grid, FindsValues) {
  const StageSpec stage = PlainStage({1, 3, 1'000});
  const Grid grid(stage);
  for (std::size_t axis = 1; axis < 3; ++axis) {
    for (std::uint32_t i = 0; i < stage.axes[axis].values.size(); ++i) {
      EXPECT_EQ(grid.IndexOf(axis, std::int64_t{i}), i);
    }
    EXPECT_EQ(grid.IndexOf(axis, std::int64_t{1'000}), std::nullopt);
    EXPECT_EQ(grid.IndexOf(axis, 1.0), std::nullopt);
    EXPECT_EQ(grid.IndexOf(axis, std::string("1")), std::nullopt);
  }
}

StageSpec NamedStage() {
  StageSpec stage = PlainStage({2, 2, 2, 2});
  stage.axes[1].name = "model";
  stage.axes[1].values = {"dense/net", "resnet"};
  stage.axes[2].name = "precision";
  stage.axes[2].role = ParamRole::kPrecision;
  stage.axes[2].values = {"fp32", "fp16"};
  stage.axes[3].name = "gpu_type";
  stage.axes[3].kind = AxisKind::kGpuType;
  stage.axes[3].values = {"A100", "H200"};
  stage.params = {{"data", "cifar10"}, {"steps", std::int64_t{7}}};
  stage.precision_fallback = {{"fp16", "bf16"}};
  stage.resources.slots = 2;
  return stage;
}

TEST(Grid, ParametersLackWhatOnlyPlaces) {
  const StageSpec stage = NamedStage();
  const Grid grid(stage);
  EXPECT_EQ(CanonicalConfig(grid.ParamsOf(0)),
            R"({"data":"cifar10","model":"dense/net","precision":"fp32","seed":0,"steps":7})");
  EXPECT_EQ(CanonicalConfig(grid.ParamsOf(15)),
            R"({"data":"cifar10","model":"resnet","precision":"fp16","seed":1,"steps":7})");
}

TEST(Grid, NamesTellTheValues) {
  StageSpec stage = NamedStage();
  EXPECT_EQ(Grid(stage).NameOf(0), "task-0-dense_net-fp32-A100-s0");
  EXPECT_EQ(Grid(stage).NameOf(15), "task-15-resnet-fp16-H200-s1");
  stage.seeds_given = false;
  EXPECT_EQ(Grid(stage).NameOf(0), "task-0-dense_net-fp32-A100");
  EXPECT_EQ(Grid(stage).NameOf(15), "task-15-resnet-fp16-H200-s1");
}

TEST(Grid, NamesAreShortAndSafe) {
  StageSpec stage = PlainStage({1, 1});
  stage.axes[1].values = {"../" + std::string(1'000, 'x') + "\xc3\xb6 \"'\\"};
  for (int i = 0; i < 20; ++i) {
    Axis axis = stage.axes[1];
    axis.name += std::to_string(i);
    stage.dimensions.push_back({.axes = {stage.axes.size()}, .rows = {{0}}});
    stage.axes.push_back(axis);
  }
  const std::string name = Grid(stage).NameOf(0);
  EXPECT_LT(name.size(), 200U);
  EXPECT_EQ(
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-"),
      std::string::npos);
}

TEST(Grid, ClassesAreWhatWorkersMustHave) {
  const StageSpec stage = NamedStage();
  const Grid grid(stage);
  ASSERT_EQ(grid.ClassCount(), 4U);
  for (std::uint64_t cell = 0; cell < grid.size(); ++cell) {
    const Requirement requirement = grid.RequirementOf(grid.ClassOf(cell));
    EXPECT_EQ(requirement.precision, std::get<std::string>(grid.ValueAt(cell, 2)));
    EXPECT_EQ(requirement.gpu_type, std::get<std::string>(grid.ValueAt(cell, 3)));
    EXPECT_EQ(requirement.fallback_precision, requirement.precision == "fp16" ? "bf16" : "");
    EXPECT_EQ(requirement.dataset, "cifar10");
    EXPECT_EQ(requirement.resources.slots, 2);
  }
}

TEST(Grid, DataMadeOnTheSpotIsOnEveryWorker) {
  StageSpec stage = PlainStage({1});
  stage.params = {{"data", "none"}, {"precision", "bf16"}};
  EXPECT_EQ(Grid(stage).RequirementOf(0).dataset, "");
  EXPECT_EQ(Grid(stage).RequirementOf(0).precision, "bf16");
  stage.params = {{"data", "cifar100"}};
  EXPECT_EQ(Grid(stage).RequirementOf(0).dataset, "cifar100");
}

TEST(Grid, MoreSeedsLeaveOldCellsAlone) {
  for (int world = 0; world < 100; ++world) {
    Random random(static_cast<std::uint64_t>(world) + 20'000);
    const StageSpec before = RandomStage(random);
    StageSpec after = before;
    after.axes[0].values.emplace_back(std::int64_t{77});
    after.dimensions[0].rows.push_back(
        {static_cast<std::uint32_t>(after.axes[0].values.size() - 1)});
    const Grid small(before);
    const Grid large(after);
    for (std::uint64_t cell = 0; cell < small.size(); ++cell) {
      ASSERT_EQ(small.IsTrial(cell), large.IsTrial(cell));
      ASSERT_EQ(small.NameOf(cell), large.NameOf(cell));
      ASSERT_EQ(small.ParamsOf(cell), large.ParamsOf(cell));
    }
  }
}

}  // namespace
}  // namespace fusor
