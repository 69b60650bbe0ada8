#include "coordinator/spec/file_check.h"

#include <algorithm>

#include "common/recipe/suggest.h"
#include "coordinator/core/cell_counter.h"
#include "coordinator/spec/value_walk.h"

namespace fusor {

namespace {

constexpr std::size_t kChecksMax = 16;              // each starts a program
constexpr std::uint64_t kCombinationsMax = 10'000;  // looked at for one stage

std::vector<std::string> PathParams(const Recipe& recipe) {
  std::vector<std::string> names;
  for (const Param& param : recipe.params) {
    if (param.role == ParamRole::kPath) names.push_back(param.name);
  }
  return names;
}

void AddChecks(const StageSpec& stage, std::vector<FileCheck>& checks) {
  const Recipe* recipe = FindRecipe(stage.recipe);
  const std::vector<std::string> naming = PathParams(*recipe);
  std::vector<std::string> reads = naming;
  reads.insert(reads.end(), recipe->file_shapes.begin(), recipe->file_shapes.end());
  const CellCounter counter(stage);
  ValueWalk walk(stage, counter, reads);
  std::uint64_t looked_at = 0;
  do {
    FileCheck check{stage.name, stage.recipe, walk.Values(), {}};
    for (const std::string& name : naming) {
      for (std::string& path : SplitList(std::get<std::string>(check.values.find(name)->second))) {
        check.paths.push_back(std::move(path));
      }
    }
    if (!check.paths.empty() && walk.HasTrials()) checks.push_back(std::move(check));
  } while (checks.size() < kChecksMax && ++looked_at < kCombinationsMax && walk.Next());
}

}  // namespace

std::vector<FileCheck> FileChecksOf(const SweepSpec& sweep) {
  std::vector<FileCheck> checks;
  for (const StageSpec& stage : sweep.stages) {
    if (checks.size() < kChecksMax) AddChecks(stage, checks);
  }
  return checks;
}

}  // namespace fusor
