#include <gtest/gtest.h>

#include <algorithm>

#include "coordinator/core/grid.h"
#include "tests/unit/grid/random_stage.h"

namespace fusor {
namespace {

Need RandomNeed(const StageSpec& here, const StageSpec& there, Random& random) {
  Need need;
  std::vector<std::size_t> left;
  for (std::size_t axis = 0; axis < there.axes.size(); ++axis) left.push_back(axis);
  std::vector<std::size_t> rest;
  for (const std::size_t axis : left) {
    if (random.Chance(0.5)) {
      need.match.emplace_back(random.Below(here.axes.size()), axis);
    } else {
      rest.push_back(axis);
    }
  }
  while (!rest.empty()) {
    const std::uint64_t at = random.Below(rest.size());
    need.collect.push_back(rest[at]);
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return need;
}

// All cells there, kept when they agree, sorted by the collected axes' values one after the other.
// Axes that move together are compared by their common row.
std::vector<std::uint64_t> InputsByWords(const Grid& here, const Need& need, const Grid& there,
                                         std::uint64_t cell) {
  std::vector<std::uint64_t> inputs;
  for (std::uint64_t other = 0; other < there.size(); ++other) {
    const bool agrees = std::all_of(need.match.begin(), need.match.end(), [&](const auto& pair) {
      return here.ValueAt(cell, pair.first) == there.ValueAt(other, pair.second);
    });
    if (agrees && there.IsTrial(other)) inputs.push_back(other);
  }
  const auto& dimensions = there.stage().dimensions;
  const auto rank = [&](std::uint64_t input) {
    std::vector<std::uint32_t> key;
    for (const std::size_t axis : need.collect) {
      for (std::size_t d = 0; d < dimensions.size(); ++d) {
        if (std::count(dimensions[d].axes.begin(), dimensions[d].axes.end(), axis) > 0) {
          key.push_back(there.RowAt(input, d));
        }
      }
    }
    return key;
  };
  std::stable_sort(inputs.begin(), inputs.end(),
                   [&](std::uint64_t a, std::uint64_t b) { return rank(a) < rank(b); });
  return inputs;
}

TEST(InputsOf, AgreesWithBruteForce) {
  std::uint64_t found = 0;
  for (int world = 0; world < 600; ++world) {
    Random random(static_cast<std::uint64_t>(world) + 40'000);
    const StageSpec stage_here = RandomStage(random);
    const StageSpec stage_there = RandomStage(random);
    const Need need = RandomNeed(stage_here, stage_there, random);
    const Grid here(stage_here);
    const Grid there(stage_there);
    const std::uint64_t cells = std::min<std::uint64_t>(here.size(), 40);
    for (std::uint64_t i = 0; i < cells; ++i) {
      const std::uint64_t cell = random.Below(here.size());
      const auto inputs = InputsOf(here, need, there, cell);
      ASSERT_EQ(inputs, InputsByWords(here, need, there, cell)) << "world " << world;
      found += inputs.size();
    }
  }
  EXPECT_GT(found, 10'000U);
}

TEST(InputsOf, CollectsInTheOrderOfTheAxes) {
  const StageSpec experts = PlainStage({2, 3, 2});  // seed, a1, a2
  const StageSpec fusion = PlainStage({2});
  Need need;
  need.match = {{0, 0}};
  need.collect = {1, 2};
  EXPECT_EQ(InputsOf(Grid(fusion), need, Grid(experts), 1),
            (std::vector<std::uint64_t>{6, 7, 8, 9, 10, 11}));
  need.collect = {2, 1};
  EXPECT_EQ(InputsOf(Grid(fusion), need, Grid(experts), 1),
            (std::vector<std::uint64_t>{6, 8, 10, 7, 9, 11}));
}

}  // namespace
}  // namespace fusor
