#include "coordinator/spec/extend.h"

#include <gtest/gtest.h>

#include "coordinator/core/grid.h"
#include "coordinator/spec/parse.h"

namespace fusor {
namespace {

SweepSpec Parsed(const std::string& stages) {
  SpecReport report = ParseSweep("name: t\nseeds: [0, 1]\nstages:\n" + stages);
  EXPECT_EQ(ProblemsText(report.problems, "f"), "");
  return std::move(report.spec).value_or(SweepSpec{});
}

std::string Refusal(const std::string& stages, const std::vector<std::int64_t>& seeds) {
  const auto extended = ExtendSeeds(Parsed(stages), seeds);
  return extended.ok() ? "accepted" : extended.status().message();
}

TEST(ExtendSeeds, LeavesOldCellsAlone) {
  const SweepSpec before = Parsed(
      "  e: {recipe: probe, axes: {model: [x, y], expert: [0, 1]}}\n"
      "  f: {recipe: probe, axes: {model: [x, y], batch_size: [8, 16]}, random: {trials: 3},\n"
      "      needs: {e: {match: model, collect: expert}}}\n"
      "  own: {recipe: probe, seeds: [5]}\n");
  const auto extended = ExtendSeeds(before, {3, 4});
  ASSERT_TRUE(extended.ok()) << extended.status().message();
  for (std::size_t i = 0; i < before.stages.size(); ++i) {
    const Grid old_grid(before.stages[i]);
    const Grid new_grid(extended->stages[i]);
    const bool own = before.stages[i].own_seeds;
    EXPECT_EQ(new_grid.TrialCount(), old_grid.TrialCount() * (own ? 1 : 2));
    for (std::uint64_t cell = 0; cell < old_grid.size(); ++cell) {
      EXPECT_EQ(old_grid.IsTrial(cell), new_grid.IsTrial(cell));
      EXPECT_EQ(old_grid.ParamsOf(cell), new_grid.ParamsOf(cell));
      EXPECT_EQ(old_grid.NameOf(cell), new_grid.NameOf(cell));
      for (const Need& need : before.stages[i].needs) {
        EXPECT_EQ(InputsOf(old_grid, need, Grid(before.stages[need.stage]), cell),
                  InputsOf(new_grid, need, Grid(extended->stages[need.stage]), cell));
      }
    }
  }
  const Grid fusion(extended->stages[1]);
  EXPECT_EQ(DisplayText(fusion.ValueAt(fusion.size() - 1, 0)), "4");
}

TEST(ExtendSeeds, RefusesWhatWouldChangeOldTrials) {
  const std::string plain = "  a: {recipe: probe}\n";
  EXPECT_EQ(Refusal(plain, {2}), "accepted");
  EXPECT_EQ(Refusal(plain, {}), "no seeds given");
  EXPECT_EQ(Refusal(plain, {2, 1}), "seed 1 is there already");
  EXPECT_EQ(Refusal(plain, {2, 2}), "seed 2 is there already");
  EXPECT_EQ(Refusal(plain, {-1}), "-1 is not an integer from 0 to 9007199254740992");
  EXPECT_EQ(Refusal("  a: {recipe: probe, seeds: [3]}\n", {4}), "every stage sets its own seeds");
  EXPECT_EQ(
      Refusal("  e: {recipe: probe}\n  f: {recipe: probe, needs: {e: {collect: seed}}}\n", {4}),
      "stage 'f' collects the seeds of stage 'e', so its trials would get other inputs");
  EXPECT_EQ(Refusal("  e: {recipe: probe, seeds: [0, 1]}\n"
                    "  f: {recipe: probe, needs: {e: {match: seed}}}\n",
                    {4}),
            "trials of stage 'f' with seed=4 would find no trial of stage 'e'");
}

TEST(ExtendSeeds, HasTheSweepsLimit) {
  std::string values;
  for (int i = 0; i < 1'000; ++i) values += (i == 0 ? "" : ", ") + std::to_string(i);
  const SweepSpec sweep = Parsed("  a: {recipe: probe, axes: {steps: [" + values +
                                 "], fault_step: [" + values + "]}}\n");
  EXPECT_TRUE(ExtendSeeds(sweep, {2, 3, 4, 5, 6, 7, 8, 9}).ok());
  EXPECT_EQ(ExtendSeeds(sweep, {2, 3, 4, 5, 6, 7, 8, 9, 10}).status().code(),
            Code::kResourceExhausted);
}

}  // namespace
}  // namespace fusor
