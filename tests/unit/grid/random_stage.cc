#include "tests/unit/grid/random_stage.h"

#include <set>

#include "coordinator/core/grid.h"

namespace fusor {

namespace {

Axis MakeAxis(const std::string& name, std::uint32_t size) {
  Axis axis;
  axis.name = name;
  axis.kind = name == "seed" ? AxisKind::kSeed : AxisKind::kParam;
  axis.role = name == "seed" ? ParamRole::kSeed : ParamRole::kPlain;
  for (std::uint32_t i = 0; i < size; ++i) axis.values.emplace_back(std::int64_t{i});
  return axis;
}

void AddPlain(StageSpec& stage, Axis axis) {
  Dimension dimension;
  dimension.axes = {stage.axes.size()};
  for (std::uint32_t i = 0; i < axis.values.size(); ++i) dimension.rows.push_back({i});
  stage.axes.push_back(std::move(axis));
  stage.dimensions.push_back(std::move(dimension));
}

// Two or three axes that move together, in rows that are all different.
void AddGroup(StageSpec& stage, Random& random) {
  Dimension dimension;
  const std::uint64_t width = 2 + random.Below(2);
  for (std::uint64_t i = 0; i < width; ++i) {
    dimension.axes.push_back(stage.axes.size());
    stage.axes.push_back(MakeAxis("g" + std::to_string(stage.axes.size()),
                                  static_cast<std::uint32_t>(1 + random.Below(3))));
  }
  std::set<std::vector<std::uint32_t>> rows;
  const std::uint64_t tries = 1 + random.Below(5);
  for (std::uint64_t i = 0; i < tries; ++i) {
    std::vector<std::uint32_t> row;
    for (const std::size_t axis : dimension.axes) {
      row.push_back(static_cast<std::uint32_t>(random.Below(stage.axes[axis].values.size())));
    }
    if (rows.insert(row).second) dimension.rows.push_back(row);
  }
  stage.dimensions.push_back(std::move(dimension));
}

Exclude RandomRule(const StageSpec& stage, Random& random) {
  Exclude rule;
  for (std::size_t axis = 0; axis < stage.axes.size(); ++axis) {
    if (!random.Chance(0.4)) continue;
    Exclude::Term term{.axis = axis, .values = {}};
    for (std::uint32_t i = 0; i < stage.axes[axis].values.size(); ++i) {
      if (random.Chance(0.5)) term.values.push_back(i);
    }
    rule.terms.push_back(std::move(term));
  }
  if (rule.terms.empty()) rule.terms.push_back({.axis = stage.axes.size() - 1, .values = {0}});
  return rule;
}

}  // namespace

StageSpec PlainStage(const std::vector<std::uint32_t>& sizes) {
  StageSpec stage;
  stage.name = "stage";
  stage.recipe = "probe";
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    AddPlain(stage, MakeAxis(i == 0 ? "seed" : "a" + std::to_string(i), sizes[i]));
  }
  return stage;
}

StageSpec RandomStage(Random& random) {
  StageSpec stage = PlainStage({static_cast<std::uint32_t>(1 + random.Below(3))});
  const std::uint64_t dimensions = random.Below(5);
  for (std::uint64_t i = 0; i < dimensions; ++i) {
    if (random.Chance(0.3)) {
      AddGroup(stage, random);
    } else {
      AddPlain(stage, MakeAxis("p" + std::to_string(stage.axes.size()),
                               static_cast<std::uint32_t>(1 + random.Below(4))));
    }
  }
  const std::uint64_t rules = random.Below(4);
  for (std::uint64_t i = 0; i < rules; ++i) stage.excludes.push_back(RandomRule(stage, random));
  if (random.Chance(0.25)) {
    std::vector<std::uint64_t> drawn;
    const std::uint64_t block = Grid(stage).seed_block();
    for (std::uint64_t cell = 0; cell < block; ++cell) {
      if (random.Chance(0.3)) drawn.push_back(cell);
    }
    stage.drawn = std::move(drawn);
  }
  return stage;
}

}  // namespace fusor
