#include "coordinator/spec/input_count.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "coordinator/core/grid.h"
#include "tests/unit/grid/random_stage.h"

namespace fusor {
namespace {

Need RandomNeed(const StageSpec& here, const StageSpec& there, Random& random) {
  Need need;
  for (std::size_t axis = 0; axis < there.axes.size(); ++axis) {
    if (random.Chance(0.6)) {
      need.match.emplace_back(random.Below(here.axes.size()), axis);
    } else {
      need.collect.push_back(axis);
    }
  }
  return need;
}

TEST(CountInputs, AgreesWithEveryTrial) {
  int starving = 0;
  int uneven = 0;
  for (int world = 0; world < 2'000; ++world) {
    Random random(static_cast<std::uint64_t>(world) + 60'000);
    const StageSpec stage_here = RandomStage(random);
    const StageSpec stage_there = RandomStage(random);
    const Need need = RandomNeed(stage_here, stage_there, random);
    const Grid here(stage_here);
    const Grid there(stage_there);
    if (here.TrialCount() == 0) continue;
    std::uint64_t least = ~0ULL;
    std::uint64_t most = 0;
    for (auto cell = here.NextTrial(0); cell; cell = here.NextTrial(*cell + 1)) {
      const std::uint64_t inputs = InputsOf(here, need, there, *cell).size();
      least = std::min(least, inputs);
      most = std::max(most, inputs);
    }
    const InputCount count = CountInputs(stage_here, need, stage_there);
    ASSERT_EQ(count.least, least) << "world " << world;
    ASSERT_EQ(count.most, most) << "world " << world;
    ASSERT_TRUE(least == 0 || count.starving.empty()) << "world " << world;
    starving += least == 0 ? 1 : 0;
    uneven += least != most ? 1 : 0;
  }
  EXPECT_GT(starving, 100);
  EXPECT_GT(uneven, 100);
}

}  // namespace
}  // namespace fusor
