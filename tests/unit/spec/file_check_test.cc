#include "coordinator/spec/file_check.h"

#include <gtest/gtest.h>

#include "coordinator/spec/parse.h"

namespace fusor {
namespace {

std::vector<FileCheck> Checks(const std::string& stages) {
  const SpecReport parsed = ParseSweep("name: t\nstages:\n" + stages);
  EXPECT_EQ(ProblemsText(parsed.problems, "f"), "");
  if (!parsed.spec) return {};
  return FileChecksOf(*parsed.spec);
}

// One for each set of files and shapes that trials have, whatever else their axes are.
TEST(FileChecks, AreOnePerSetOfFilesAndShapes) {
  const auto checks = Checks(
      "  a: {recipe: expert, axes: {model: [resnet, resnext]}}\n"
      "  b:\n"
      "    recipe: fusion\n"
      "    seeds: [0, 1, 2]\n"
      "    params: {init_from: {experts: [/0, /1, /2, /3], global: /g}, width: 8}\n"
      "    axes: {init_fusion: ['', /m], learning_rate: [0.1, 0.2], depth: [10, 18]}\n"
      "    exclude: [{init_fusion: /m, depth: 10}]\n");
  ASSERT_EQ(checks.size(), 3U);
  for (const FileCheck& check : checks) {
    EXPECT_EQ(check.stage, "b");
    EXPECT_EQ(check.recipe, "fusion");
    EXPECT_EQ(std::get<std::int64_t>(check.values.at("width")), 8);
    EXPECT_EQ(std::get<std::string>(check.values.at("model")), "resnet");
    EXPECT_FALSE(check.values.contains("learning_rate"));
    EXPECT_FALSE(check.values.contains("seed"));
  }
  EXPECT_EQ(checks[0].paths, (std::vector<std::string>{"/0", "/1", "/2", "/3", "/g"}));
  EXPECT_EQ(std::get<std::int64_t>(checks[2].values.at("depth")), 18);
  EXPECT_EQ(checks[2].paths, (std::vector<std::string>{"/0", "/1", "/2", "/3", "/m", "/g"}));
}

TEST(FileChecks, AreFewAtMost) {
  std::string axis;
  for (int i = 0; i < 100; ++i) axis += "/" + std::to_string(i) + ",";
  EXPECT_EQ(Checks("  a: {recipe: expert, axes: {splits: [" + axis +
                   "]}}\n"
                   "  b: {recipe: expert, params: {splits: /s}}\n")
                .size(),
            16U);
  EXPECT_TRUE(Checks("  a: {recipe: probe}\n").empty());
}

}  // namespace
}  // namespace fusor
