// Every refusal once, with its exact line, column and words: problems.golden holds the sweep files
// and what is said about each. FUSOR_REWRITE_GOLDEN=1 writes the present answers into it, for
// review.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "coordinator/spec/parse.h"

namespace fusor {
namespace {

constexpr const char* kGolden = FUSOR_SOURCE_DIR "/tests/unit/spec/problems.golden";

// "=== NAME", the file, "--set ..." lines, "=>", the problems.
struct Case {
  std::string name;
  std::string file;
  std::vector<std::string> overrides;
  std::string problems;
};

std::vector<Case> ReadCases() {
  std::vector<Case> cases;
  std::ifstream golden(kGolden);
  std::string line;
  bool in_problems = false;
  while (std::getline(golden, line)) {
    if (line.starts_with("=== ")) {
      cases.push_back({.name = line.substr(4), .file = "", .overrides = {}, .problems = ""});
      in_problems = false;
    } else if (cases.empty()) {
      continue;
    } else if (line == "=>") {
      in_problems = true;
    } else if (in_problems) {
      cases.back().problems += line + '\n';
    } else if (line.starts_with("--set ")) {
      cases.back().overrides.push_back(line.substr(6));
    } else {
      cases.back().file += line + '\n';
    }
  }
  return cases;
}

void Rewrite(const std::vector<Case>& cases) {
  std::ofstream golden(kGolden);
  for (const Case& item : cases) {
    golden << "=== " << item.name << '\n' << item.file;
    for (const std::string& text : item.overrides) golden << "--set " << text << '\n';
    golden << "=>\n" << ProblemsText(ParseSweep(item.file, item.overrides).problems, "f");
  }
}

TEST(Problems, AreSaidExactly) {
  const std::vector<Case> cases = ReadCases();
  ASSERT_GT(cases.size(), 80U);
  if (std::getenv("FUSOR_REWRITE_GOLDEN") != nullptr) Rewrite(cases);
  for (const Case& item : cases) {
    const SpecReport report = ParseSweep(item.file, item.overrides);
    EXPECT_EQ(ProblemsText(report.problems, "f"), item.problems) << item.name;
    EXPECT_EQ(report.spec.has_value(), item.problems.empty()) << item.name;
  }
}

std::string Numbers(int count) {
  std::string list;
  for (int i = 1; i <= count; ++i) list += (i == 1 ? "" : ", ") + std::to_string(i);
  return '[' + list + ']';
}

std::string Said(const std::string& file) { return ProblemsText(ParseSweep(file).problems, "f"); }

TEST(Problems, NameTheLimits) {
  const std::string head = "name: t\nstages:\n";
  EXPECT_EQ(
      Said(head + "  a: {recipe: probe, axes: {steps: " + Numbers(1'000) +
           ", batch_size: " + Numbers(1'000) + ", expert: " + Numbers(11) + "}}\n"),
      "f:3:3: stages.a: 11000000 cells; a sweep has at most 10000000, or draws from up to 10^15 "
      "with random: {trials: N}\n");
  EXPECT_EQ(Said(head + "  a: &a {recipe: probe, axes: {steps: " + Numbers(1'000) +
                 ", batch_size: " + Numbers(1'000) + ", expert: " + Numbers(6) + "}}\n  b: *a\n"),
            "f:3:3: stages: 12000000 cells in all stages; a sweep has at most 10000000\n");
  EXPECT_EQ(Said(head + "  a: {recipe: probe, axes: {steps: " + Numbers(100'001) + "}}\n"),
            "f:3:36: stages.a.axes.steps: an axis has at most 100000 values\n");
  std::string stages = head;
  for (int i = 0; i < 65; ++i) stages += "  s" + std::to_string(i) + ": {recipe: probe}\n";
  EXPECT_EQ(Said(stages), "f:3:3: stages: a sweep has at most 64 stages\n");
  EXPECT_EQ(Said(std::string((4 << 20) + 1, ' ')), "f:1:1: larger than 4194304 bytes\n");
}

TEST(Problems, NameTheLimitsOfRandomGrids) {
  const auto said = [](const std::string& rest) {
    return Said("name: t\nseeds: [0, 1]\nstages:\n  a: {recipe: probe, axes: {batch_size: " +
                Numbers(10'000) + ", expert: " + Numbers(10'000) + rest + "}\n");
  };
  EXPECT_EQ(said("}, random: {trials: 10000}"), "");
  EXPECT_EQ(said("}, random: {trials: 10001}"),
            "f:4:3: stages.a: from 200000000 cells at most 20000 trials are drawn, all seeds "
            "together\n");
  EXPECT_EQ(said(", matrix: " + Numbers(10'000) + ", checkpoint_every: " + Numbers(10'000) +
                 "}, random: {trials: 3}"),
            "f:4:3: stages.a: over 10^15 cells; random draws from at most 10^15\n");
  EXPECT_EQ(
      said("}, exclude: [{batch_size: " + Numbers(9'900) + "}], random: {trials: 3}"),
      "f:4:3: stages.a: exclude leaves less than a 64th of 200000000 cells; leave the values out "
      "of the axes\n");
  EXPECT_EQ(
      Said("name: t\nstages:\n  a: {recipe: probe, axes: {fault_step: " + Numbers(5'000) +
           ", steps: " + Numbers(5'000) + "}, random: {trials: 3}}\n"),
      "f:3:41: stages.a.axes.fault_step: too many combinations of fault, fault_step, steps to "
      "check; shorten these axes\n");
}

TEST(Problems, AreCutOffAtAHundred) {
  std::string file = "name: t\nstages: {a: {recipe: probe}}\n";
  for (int i = 0; i < 150; ++i) file += "key" + std::to_string(i) + ": 1\n";
  const SpecReport report = ParseSweep(file);
  ASSERT_EQ(report.problems.size(), 101U);
  EXPECT_EQ(report.problems.back().message, "and 50 more problems");
  EXPECT_EQ(ProblemText(report.problems.back(), "f"), "f: and 50 more problems");
}

}  // namespace
}  // namespace fusor
