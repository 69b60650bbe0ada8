#include "coordinator/spec/parse.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "coordinator/core/grid.h"

namespace fusor {
namespace {

SweepSpec Parsed(std::string_view text, const std::vector<std::string>& overrides = {}) {
  SpecReport report = ParseSweep(text, overrides);
  EXPECT_EQ(ProblemsText(report.problems, "f"), "");
  if (!report.spec) return {};
  return std::move(*report.spec);
}

std::string FileText(const std::string& path) {
  std::ifstream file(FUSOR_SOURCE_DIR "/" + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string CellText(const StageSpec& stage, std::uint64_t cell) {
  const Grid grid(stage);
  std::string text;
  for (std::size_t axis = 0; axis < stage.axes.size(); ++axis) {
    text += (text.empty() ? "" : " ") + DisplayText(grid.ValueAt(cell, axis));
  }
  return text;
}

constexpr const char* kFusion = "deploy/examples/cifar100-fusion.yaml";

TEST(ParseSweep, PartsToBeginWithAreAMapOfPaths) {
  const char* text =
      "name: a\nstages:\n  f:\n    recipe: fusion\n    params:\n"
      "      init_from: {experts: [/a, /b, /c, /d], global: /g}\n";
  const SweepSpec sweep = Parsed(text, {"stages.f.params.init_from.fusion=/m"});
  const auto& params = sweep.stages.at(0).params;
  EXPECT_EQ(std::get<std::string>(params.at("init_experts")), "/a,/b,/c,/d");
  EXPECT_EQ(std::get<std::string>(params.at("init_fusion")), "/m");
  EXPECT_EQ(std::get<std::string>(params.at("init_global")), "/g");
}

TEST(ParseSweep, ReadsTheFusionExample) {
  const SweepSpec sweep = Parsed(FileText(kFusion));
  EXPECT_EQ(sweep.name, "cifar100-fusion");
  ASSERT_EQ(sweep.stages.size(), 2U);
  const StageSpec& experts = sweep.stages[0];
  const StageSpec& fusion = sweep.stages[1];
  const Grid grid_experts(experts);
  const Grid grid_fusion(fusion);
  EXPECT_EQ(grid_experts.TrialCount(), 48U);
  EXPECT_EQ(grid_fusion.size(), 384U);
  EXPECT_EQ(grid_fusion.TrialCount(), 372U);
  EXPECT_EQ(CellText(fusion, 383), "2 resnext concatenation fp16 128");
  EXPECT_EQ(grid_fusion.NameOf(0), "task-0-densenet-multiplicative-fp32-64-s0");
  // The four experts of the trial's own model and seed, in order.
  ASSERT_EQ(fusion.needs.size(), 1U);
  const auto inputs = InputsOf(grid_fusion, fusion.needs[0], grid_experts, 383);
  ASSERT_EQ(inputs.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(CellText(experts, inputs[i]), "2 resnext " + std::to_string(i));
  }
  EXPECT_EQ(fusion.excludes[0].text,
            "{model: improved_wide_resnet, batch_size: 128, precision: fp32}");
  EXPECT_EQ(fusion.resources.device, DeviceKind::kGpu);
  EXPECT_EQ(fusion.resources.device_memory_gib, 20.0);
  EXPECT_EQ(fusion.resources.labels.at("partition"), "a100");
  EXPECT_EQ(fusion.precision_fallback.at("fp16"), "bf16");
  EXPECT_EQ(fusion.retry.lost_after, std::chrono::minutes(2));
  EXPECT_EQ(fusion.checkpoint.every, std::chrono::minutes(10));
  EXPECT_EQ(fusion.time_limit, std::chrono::hours(8));
  EXPECT_EQ(sweep.on_failure.max_failed, 0.1);
  EXPECT_EQ(sweep.max_running, 16);
  EXPECT_EQ(std::get<std::int64_t>(fusion.params.at("epochs")), 100);
  EXPECT_EQ(std::get<std::string>(fusion.params.at("learning_rate")), "auto");
  EXPECT_FALSE(fusion.params.contains("model"));
  EXPECT_FALSE(fusion.params.contains("seed"));
}

TEST(ParseSweep, ReadsTheFourGpuExample) {
  const SweepSpec sweep = Parsed(FileText("deploy/examples/fusion-4gpu.yaml"));
  ASSERT_EQ(sweep.stages.size(), 2U);
  EXPECT_EQ(Grid(sweep.stages[0]).TrialCount(), 4U);
  EXPECT_EQ(Grid(sweep.stages[1]).TrialCount(), 4U);
}

TEST(ParseSweep, ReadsTheDemo) {
  const SweepSpec sweep = Parsed(FileText("deploy/examples/demo.yaml"));
  std::uint64_t trials = 0;
  for (const StageSpec& stage : sweep.stages) trials += Grid(stage).TrialCount();
  EXPECT_GE(trials, 8U);
  EXPECT_LE(trials, 16U);
}

// Every YAML block of the reference that begins with `name:` is a valid sweep.
TEST(ParseSweep, ReadsTheExamplesOfTheReference) {
  std::istringstream page(FileText("docs/sweep_file.md"));
  std::string line;
  std::string block;
  bool inside = false;
  int examples = 0;
  while (std::getline(page, line)) {
    if (line == "```yaml") {
      inside = true;
      block.clear();
    } else if (line == "```") {
      if (inside && block.starts_with("name:")) {
        ++examples;
        EXPECT_EQ(ProblemsText(ParseSweep(block).problems, "example"), "") << block;
      }
      inside = false;
    } else if (inside) {
      block += line + '\n';
    }
  }
  EXPECT_GE(examples, 4);
}

TEST(ParseSweep, TheSmallestSweepHasOneTrial) {
  const SweepSpec sweep = Parsed("name: t\nstages: {a: {recipe: probe}}\n");
  const Grid grid(sweep.stages[0]);
  EXPECT_EQ(grid.TrialCount(), 1U);
  EXPECT_EQ(grid.NameOf(0), "task-0");
  EXPECT_EQ(std::get<std::int64_t>(grid.ParamsOf(0).at("seed")), 0);
  EXPECT_EQ(grid.ParamsOf(0).size(), FindRecipe("probe")->params.size());
  EXPECT_EQ(sweep.objective.metric, "val/accuracy");
  EXPECT_TRUE(sweep.objective.maximize);
}

TEST(ParseSweep, TheLastAxisIsTheFastest) {
  const SweepSpec sweep = Parsed(
      "name: t\n"
      "stages: {a: {recipe: probe, axes: {steps: [1, 2], batch_size: [8, 16, 32]}}}\n"
      "seeds: [5, 6]\n");
  const StageSpec& stage = sweep.stages[0];
  EXPECT_EQ(CellText(stage, 0), "5 1 8");
  EXPECT_EQ(CellText(stage, 1), "5 1 16");
  EXPECT_EQ(CellText(stage, 3), "5 2 8");
  EXPECT_EQ(CellText(stage, 6), "6 1 8");
}

TEST(ParseSweep, ZippedAxesMoveTogether) {
  const SweepSpec sweep = Parsed(
      "name: t\n"
      "stages:\n"
      "  a:\n"
      "    recipe: probe\n"
      "    axes: {steps: [1, 2], batch_size: [8, 16], expert: [0, 1, 2], matrix: [3, 4, 5]}\n"
      "    zip: [[batch_size, steps], [expert, matrix]]\n");
  const StageSpec& stage = sweep.stages[0];
  ASSERT_EQ(Grid(stage).size(), 6U);
  EXPECT_EQ(CellText(stage, 1), "0 1 8 1 4");
  EXPECT_EQ(CellText(stage, 3), "0 2 16 0 3");
}

TEST(ParseSweep, ListedCellsAreCrossedWithTheAxes) {
  const SweepSpec sweep = Parsed(
      "name: t\n"
      "stages:\n"
      "  a:\n"
      "    recipe: probe\n"
      "    cells: [{model: densenet, fusion: concat}, {model: resnet, fusion: concat},\n"
      "            {fusion: mult, model: densenet}]\n"
      "    axes: {batch_size: [8, 16]}\n");
  const StageSpec& stage = sweep.stages[0];
  ASSERT_EQ(Grid(stage).size(), 6U);
  EXPECT_EQ(CellText(stage, 0), "0 densenet concat 8");
  EXPECT_EQ(CellText(stage, 3), "0 resnet concat 16");
  EXPECT_EQ(CellText(stage, 4), "0 densenet mult 8");
}

TEST(ParseSweep, RandomDrawsDistinctCellsPerStage) {
  const std::string text =
      "name: t\n"
      "stages:\n"
      "  a:\n"
      "    recipe: probe\n"
      "    axes: {steps: [1, 2, 3, 4, 5], batch_size: [8, 16, 32]}\n"
      "    exclude: [{steps: 5}]\n"
      "    random: {trials: 4, seed: 3}\n"
      "seeds: [0, 1, 2]\n";
  const SweepSpec sweep = Parsed(text);
  const StageSpec& stage = sweep.stages[0];
  ASSERT_TRUE(stage.drawn);
  EXPECT_EQ(stage.drawn->size(), 4U);
  EXPECT_EQ(Grid(stage).TrialCount(), 12U);
  EXPECT_EQ(Parsed(text).stages[0].drawn, stage.drawn);
  EXPECT_NE(Parsed(text, {"stages.a.random.seed=4"}).stages[0].drawn, stage.drawn);
}

TEST(ParseSweep, ExcludedSeedsCostOnlyTheirOwnCells) {
  const SweepSpec sweep = Parsed(
      "name: t\n"
      "stages:\n"
      "  a:\n"
      "    recipe: probe\n"
      "    axes: {steps: [1, 2, 3]}\n"
      "    exclude: [{seeds: 1, steps: [1, 2]}]\n"
      "    random: {trials: 3}\n"
      "seeds: [0, 1]\n");
  EXPECT_EQ(Grid(sweep.stages[0]).TrialCount(), 4U);
}

TEST(ParseSweep, ImpossibleCellsThatAreExcludedAreNoProblem) {
  const std::string text =
      "name: t\n"
      "stages:\n"
      "  a:\n"
      "    recipe: expert\n"
      "    axes: {subset: [0, 32], batch_size: [16, 64]}\n"
      "    exclude: [{subset: 32, batch_size: 64}]\n";
  EXPECT_EQ(Grid(Parsed(text).stages[0]).TrialCount(), 3U);
  EXPECT_FALSE(ParseSweep(text, {"stages.a.exclude=[]"}).spec);
}

TEST(ParseSweep, StagesOverrideTheSweepKeyByKey) {
  const SweepSpec sweep = Parsed(
      "name: t\n"
      "stages:\n"
      "  a: {recipe: probe, resources: {cpus: 2}, retry: {diverged: 1}, checkpoint: {keep: 5},\n"
      "      time_limit: 1h, hang_timeout: 30s, priority: 7, seeds: [9]}\n"
      "  b: {recipe: probe}\n"
      "resources: {device: cpu, memory_gib: 1.5}\n"
      "retry: {crashes: 4, out_of_memory: 2, out_of_memory(host): 1}\n"
      "checkpoint: {every_steps: 10}\n"
      "seeds: [0, 1]\n");
  const StageSpec& a = sweep.stages[0];
  const StageSpec& b = sweep.stages[1];
  EXPECT_EQ(a.resources.device, DeviceKind::kCpu);
  EXPECT_EQ(a.resources.memory_gib, 1.5);
  EXPECT_EQ(a.resources.cpus, 2);
  EXPECT_EQ(b.resources.cpus, 0);
  EXPECT_EQ(a.retry.crashes, 4);
  EXPECT_EQ(a.retry.also.at(Failure::kDiverged), 1);
  EXPECT_EQ(a.retry.also.at(Failure::kOutOfMemoryDevice), 2);
  EXPECT_EQ(a.retry.also.at(Failure::kOutOfMemoryHost), 1);
  EXPECT_FALSE(b.retry.also.contains(Failure::kDiverged));
  EXPECT_EQ(a.checkpoint.keep, 5);
  EXPECT_EQ(a.checkpoint.every_steps, 10);
  EXPECT_EQ(a.time_limit, std::chrono::hours(1));
  EXPECT_EQ(a.hang_timeout, std::chrono::seconds(30));
  EXPECT_EQ(b.hang_timeout, std::chrono::minutes(10));
  EXPECT_EQ(a.priority, 7);
  EXPECT_EQ(b.priority, 50);
  EXPECT_TRUE(a.own_seeds);
  EXPECT_EQ(Grid(a).TrialCount(), 1U);
  EXPECT_EQ(Grid(b).TrialCount(), 2U);
}

TEST(ParseSweep, StagesComeAfterWhatTheyNeed) {
  const SweepSpec sweep = Parsed(
      "name: t\n"
      "stages:\n"
      "  last: {recipe: probe, needs: {middle: , first: }}\n"
      "  other: {recipe: probe}\n"
      "  middle: {recipe: probe, needs: {first: {take: last}}}\n"
      "  first: {recipe: probe}\n");
  std::string names;
  for (const StageSpec& stage : sweep.stages) names += stage.name + ' ';
  EXPECT_EQ(names, "other first middle last ");
  EXPECT_EQ(sweep.stages[2].needs[0].stage, 1U);
  EXPECT_FALSE(sweep.stages[2].needs[0].best);
  EXPECT_EQ(sweep.stages[3].needs[0].stage, 2U);
  EXPECT_EQ(sweep.stages[3].needs[1].stage, 1U);
  EXPECT_TRUE(sweep.stages[3].needs[1].best);
}

TEST(ParseSweep, OwnSeedsOfANeededStageAreCollected) {
  const SweepSpec sweep = Parsed(
      "name: t\n"
      "stages:\n"
      "  e: {recipe: probe, axes: {expert: [0, 1]}, seeds: [7, 8]}\n"
      "  f: {recipe: probe, needs: {e: {collect: [seeds, expert]}}}\n"
      "seeds: [0, 1]\n");
  const Grid there(sweep.stages[0]);
  const Grid here(sweep.stages[1]);
  for (std::uint64_t cell = 0; cell < 2; ++cell) {
    EXPECT_EQ(InputsOf(here, sweep.stages[1].needs[0], there, cell),
              (std::vector<std::uint64_t>{0, 1, 2, 3}));
  }
}

TEST(ParseSweep, ZippedAxesAreSettledTogether) {
  // The learning rate follows from the model, so matching the model leaves nothing over.
  const SweepSpec sweep = Parsed(
      "name: t\n"
      "stages:\n"
      "  e: {recipe: probe, axes: {model: [x, y], learning_rate: [0.1, 0.2]},\n"
      "      zip: [model, learning_rate]}\n"
      "  f: {recipe: probe, axes: {model: [y, x]}, needs: {e: {match: model}}}\n");
  EXPECT_EQ(InputsOf(Grid(sweep.stages[1]), sweep.stages[1].needs[0], Grid(sweep.stages[0]), 0),
            (std::vector<std::uint64_t>{1}));
}

TEST(ParseSweep, GpuTypeOnlyPlaces) {
  const SweepSpec sweep = Parsed(
      "name: t\nstages: {a: {recipe: probe, axes: {gpu_type: [A100, H200]}}}\n"
      "resources: {device: gpu}\n");
  const Grid grid(sweep.stages[0]);
  EXPECT_EQ(grid.ClassCount(), 2U);
  EXPECT_EQ(grid.RequirementOf(1).gpu_type, "H200");
  EXPECT_FALSE(grid.ParamsOf(0).contains("gpu_type"));
  EXPECT_EQ(grid.NameOf(1), "task-1-H200");
}

TEST(ParseSweep, ExpectationsAreConditionsOnMetrics) {
  const SweepSpec spec = Parsed(
      "name: t\nstages:\n  a:\n    recipe: expert\n    expect: {val/accuracy: '>= 0.8', "
      "val/loss: '<1.5', test/accuracy: '> 1e-1', train/loss: '<= 2'}\n");
  using Comparison = Expectation::Comparison;
  const std::vector<Expectation>& expect = spec.stages.at(0).expect;
  ASSERT_EQ(expect.size(), 4U);
  EXPECT_EQ(expect[0].metric, "val/accuracy");
  EXPECT_EQ(expect[0].comparison, Comparison::kAtLeast);
  EXPECT_EQ(expect[0].bound, 0.8);
  EXPECT_TRUE(expect[0].IsMetBy(0.8));
  EXPECT_FALSE(expect[0].IsMetBy(0.799));
  EXPECT_EQ(expect[1].comparison, Comparison::kBelow);
  EXPECT_FALSE(expect[1].IsMetBy(1.5));
  EXPECT_EQ(expect[2].comparison, Comparison::kAbove);
  EXPECT_FALSE(expect[2].IsMetBy(0.1));
  EXPECT_EQ(expect[3].comparison, Comparison::kAtMost);
  EXPECT_TRUE(expect[3].IsMetBy(2));
}

TEST(ParseSweep, OverridesReachEveryKey) {
  const SweepSpec sweep = Parsed(
      FileText(kFusion), {"stages.fusion.axes.batch_size=[32,64]", "stages.fusion.params.epochs=10",
                          "resources.labels.\"a.b/c\"=x", "resources.labels.partition=h200",
                          "seeds=[4]", "stages.fusion.exclude.0.precision=bf16", "name=other",
                          "report={columns: [val/loss]}", "stages.third={recipe: probe}"});
  const StageSpec& fusion = sweep.stages[1];
  EXPECT_EQ(std::get<std::int64_t>(fusion.axes.back().values[0]), 32);
  EXPECT_EQ(std::get<std::int64_t>(fusion.params.at("epochs")), 10);
  EXPECT_EQ(fusion.resources.labels.at("a.b/c"), "x");
  EXPECT_EQ(fusion.resources.labels.at("partition"), "h200");
  EXPECT_EQ(fusion.axes[0].values, std::vector<Value>{std::int64_t{4}});
  EXPECT_EQ(fusion.excludes[0].text,
            "{model: improved_wide_resnet, batch_size: 128, precision: bf16}");
  EXPECT_EQ(sweep.name, "other");
  EXPECT_EQ(sweep.report_columns, std::vector<std::string>{"val/loss"});
  EXPECT_EQ(sweep.stages.size(), 3U);
}

TEST(ParseSweep, IsTheSameEveryTime) {
  const std::string text = FileText(kFusion);
  const SweepSpec a = Parsed(text);
  const SweepSpec b = Parsed(text);
  for (std::size_t i = 0; i < a.stages.size(); ++i) {
    const Grid grid_a(a.stages[i]);
    const Grid grid_b(b.stages[i]);
    for (std::uint64_t cell = 0; cell < grid_a.size(); ++cell) {
      ASSERT_EQ(CanonicalConfig(grid_a.ParamsOf(cell)), CanonicalConfig(grid_b.ParamsOf(cell)));
    }
  }
}

}  // namespace
}  // namespace fusor
