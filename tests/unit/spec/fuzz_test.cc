// Sweep files that somebody's cat walked over: whatever comes, there is a sweep or there are
// problems.

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "common/base/random.h"
#include "coordinator/spec/parse.h"
#include "coordinator/spec/plan.h"

namespace fusor {
namespace {

std::string FileText(const std::string& path) {
  std::ifstream file(FUSOR_SOURCE_DIR "/" + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

const std::vector<std::string>& Pieces() {
  static const std::vector<std::string> kPieces = {
      "[",     "]",       "{",        "}",      ":",      ",",         "\n",        "  ",
      "- ",    "&a ",     "*a",       "!!str ", "'",      "\"",        "|",         "null",
      "~",     "1e308",   ".nan",     "-1",     "0",      "999999999", "seeds: ",   "needs: ",
      "axes:", "exclude", "random: ", "zip: ",  "cells:", "experts",   "gpu_type:", "resources.",
      "<<: ",  "? ",      "\t",       "#",      "%",      "@",         "\x01",      "\xff"};
  return kPieces;
}

std::string Mutated(std::string text, Random& random) {
  const std::uint64_t edits = 1 + random.Below(6);
  for (std::uint64_t i = 0; i < edits && !text.empty(); ++i) {
    const std::uint64_t at = random.Below(text.size());
    const std::uint64_t length = random.Below(20);
    switch (random.Below(5)) {
      case 0:
        text.erase(at, length);
        break;
      case 1:
        text.insert(at, Pieces()[random.Below(Pieces().size())]);
        break;
      case 2:
        text[at] = static_cast<char>(random.Below(256));
        break;
      case 3:
        text.insert(random.Below(text.size()), text.substr(at, length * 4));
        break;
      default:
        text.replace(at, length, Pieces()[random.Below(Pieces().size())]);
        break;
    }
  }
  return text;
}

void ExpectAnAnswer(const std::string& text, const std::vector<std::string>& overrides) {
  const SpecReport report = ParseSweep(text, overrides);
  ASSERT_NE(report.spec.has_value(), !report.problems.empty()) << text;
  for (const SpecProblem& problem : report.problems) ASSERT_FALSE(problem.message.empty()) << text;
  if (!report.spec) return;
  const PlanReport plan = MakePlan(*report.spec);
  ASSERT_GT(plan.trials, 0U) << text;
  for (const PlanReport::Stage& stage : plan.stages) {
    std::uint64_t trials = 0;
    for (const PlanReport::Class& trial_class : stage.classes) trials += trial_class.trials;
    ASSERT_EQ(trials, stage.trials) << text;
  }
}

TEST(Fuzz, MutatedFilesGetAnAnswer) {
  const std::vector<std::string> files = {FileText("deploy/examples/cifar100-fusion.yaml"),
                                          FileText("deploy/examples/demo.yaml"),
                                          FileText("tests/unit/spec/kitchen_sink.yaml")};
  for (std::uint64_t seed = 0; seed < 6'000; ++seed) {
    Random random(seed);
    const std::string& file = files[random.Below(files.size())];
    ASSERT_FALSE(file.empty());
    ExpectAnAnswer(Mutated(file, random), {});
  }
}

TEST(Fuzz, MutatedOverridesGetAnAnswer) {
  const std::string file = FileText("tests/unit/spec/kitchen_sink.yaml");
  const std::vector<std::string> overrides = {
      "stages.grid.axes.batch_size=[32, 64]", "stages.pairs.zip=[[model, fusion]]",
      "stages.grid.exclude.0.batch_size=64",  "resources.labels.\"a.b\"=c",
      "stages.drawn.random={trials: 2}",      "seeds=[3, 4]"};
  for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
    Random random(seed);
    std::vector<std::string> given;
    for (const std::string& text : overrides) {
      if (random.Chance(0.5)) given.push_back(Mutated(text, random));
    }
    ExpectAnAnswer(file, given);
  }
}

TEST(Fuzz, TruncatedFilesGetAnAnswer) {
  const std::string file = FileText("tests/unit/spec/kitchen_sink.yaml");
  for (std::size_t length = 0; length <= file.size(); ++length) {
    ExpectAnAnswer(file.substr(0, length), {});
  }
}

}  // namespace
}  // namespace fusor
