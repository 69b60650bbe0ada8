#include "coordinator/spec/filter.h"

#include <gtest/gtest.h>

#include <cmath>

#include "coordinator/spec/parse.h"

namespace fusor {
namespace {

SweepSpec Sweep() {
  SpecReport report = ParseSweep(
      "name: t\n"
      "stages:\n"
      "  a:\n"
      "    recipe: expert\n"
      "    axes: {precision: [fp32, bf16], batch_size: [32, 64, 128], nesterov: [true, false],\n"
      "           learning_rate: [0.1, 0.01], gpu_type: [A100, H200]}\n"
      "  b: {recipe: probe, params: {model: \"a, b\"}}\n"
      "seeds: [0, 1]\n");
  EXPECT_TRUE(report.spec);
  return std::move(report.spec).value_or(SweepSpec{});
}

// How many cells of stage `a` pass, or the refusal.
std::string Passing(const std::string& text, std::size_t stage = 0) {
  const SweepSpec sweep = Sweep();
  const auto filter = ParseFilter(text);
  if (!filter.ok()) return filter.status().message();
  const Status status = CheckFilter(*filter, sweep);
  if (!status.ok()) return status.message();
  const Grid grid(sweep.stages[stage]);
  const CellFilter cells(*filter, grid);
  int count = 0;
  for (std::uint64_t cell = 0; cell < grid.size(); ++cell) count += cells.Matches(cell) ? 1 : 0;
  EXPECT_TRUE(count == 0 || !cells.MatchesNothing());
  return std::to_string(count);
}

TEST(Filter, ComparesByType) {
  EXPECT_EQ(Passing(""), "96");
  EXPECT_EQ(Passing("precision=bf16"), "48");
  EXPECT_EQ(Passing("precision == bf16"), "48");
  EXPECT_EQ(Passing("precision != bf16"), "48");
  EXPECT_EQ(Passing("precision=bf16 && batch_size>=64"), "32");
  EXPECT_EQ(Passing("precision=bf16,batch_size<128, batch_size>32"), "16");
  EXPECT_EQ(Passing("batch_size<=64"), "64");
  EXPECT_EQ(Passing("batch_size=64.0"), "32");
  EXPECT_EQ(Passing("batch_size=big"), "0");
  EXPECT_EQ(Passing("batch_size!=big"), "96");
  EXPECT_EQ(Passing("learning_rate=1e-2"), "48");
  EXPECT_EQ(Passing("nesterov=no"), "48");
  EXPECT_EQ(Passing("nesterov!=true"), "48");
  EXPECT_EQ(Passing("gpu_type=\"H200\""), "48");
  EXPECT_EQ(Passing("seed=1"), "48");
  EXPECT_EQ(Passing("epochs=250"), "96");
  EXPECT_EQ(Passing("epochs=11"), "0");
}

TEST(Filter, QuotedValuesMayHoldAnything) {
  EXPECT_EQ(Passing("model=\"a, b\"", 1), "2");
  EXPECT_EQ(Passing("model=\"a && b\"", 1), "0");
}

TEST(Filter, AStageWithoutTheNameHasNoMatch) { EXPECT_EQ(Passing("steps=100"), "0"); }

TEST(Filter, RefusesWhatItCannotRead) {
  EXPECT_EQ(Passing("precision"), "expected one of = != < <= > >= after precision, at the end");
  EXPECT_EQ(Passing("=3"), "expected NAME=VALUE, at '=3'");
  EXPECT_EQ(Passing("a="), "expected a value after a, at the end");
  EXPECT_EQ(Passing("a=1=2"), "expected a value after a, at '1=2'");
  EXPECT_EQ(Passing("a=1 &&"), "expected a condition after the last &&, at the end");
  EXPECT_EQ(Passing("a=\"1\" b=2"), "expected && between conditions, at 'b=2'");
  EXPECT_EQ(Passing("a=\"1"), "a quote is not closed, at '1'");
  EXPECT_EQ(Passing("precison=bf16"), "the trials have no 'precison'; did you mean 'precision'?");
  EXPECT_EQ(Passing("precision<bf16"), "'precision' has no order; use = or !=");
  EXPECT_EQ(Passing("batch_size<big"), "'big' is not a number");
  std::string many = "seed=0";
  for (int i = 0; i < 32; ++i) many += ",seed=0";
  EXPECT_EQ(Passing(many).substr(0, 19), "too many conditions");
}

TEST(Satisfies, NanIsUnequalToEverything) {
  const auto filter = ParseFilter("x=1, x!=1, x<1, x>=1");
  ASSERT_TRUE(filter.ok());
  EXPECT_FALSE(Satisfies(filter->terms[0], std::nan("")));
  EXPECT_TRUE(Satisfies(filter->terms[1], std::nan("")));
  EXPECT_FALSE(Satisfies(filter->terms[2], std::nan("")));
  EXPECT_FALSE(Satisfies(filter->terms[3], std::nan("")));
}

}  // namespace
}  // namespace fusor
