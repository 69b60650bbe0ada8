#include "coordinator/spec/parse.h"

#include "common/base/limits.h"
#include "common/text/scalar.h"
#include "coordinator/spec/axis_target.h"
#include "coordinator/spec/grid_size.h"
#include "coordinator/spec/map_reader.h"
#include "coordinator/spec/names.h"
#include "coordinator/spec/needs.h"
#include "coordinator/spec/overrides.h"
#include "coordinator/spec/policies.h"
#include "coordinator/spec/stage.h"

namespace fusor {

namespace {

StageDefaults ReadDefaults(MapReader& reader, Problems& problems, const SweepSpec& sweep) {
  StageDefaults defaults;
  ReadPolicies(reader, problems, defaults.policies);
  defaults.precision_fallback = sweep.precision_fallback;
  defaults.seeds = {std::get<std::int64_t>(Catalogue().front().Find("seed")->default_value)};
  if (const YamlNode* node = reader.Node("seeds")) {
    defaults.seeds_given = true;
    if (auto seeds = ReadSeeds(*node, reader.PathOf("seeds"), problems)) {
      defaults.seeds = std::move(*seeds);
    }
  }
  return defaults;
}

std::vector<StageDraft> ReadStages(MapReader& reader, const YamlNode& root,
                                   const StageDefaults& defaults, Problems& problems) {
  std::vector<StageDraft> drafts;
  const YamlNode* stages = reader.Node("stages");
  if (stages == nullptr) {
    problems.Add(root, "stages", "missing; a sweep has at least one stage");
    return drafts;
  }
  if (stages->kind != YamlNode::Kind::kMap || stages->entries.empty()) {
    const std::string what =
        stages->kind == YamlNode::Kind::kMap ? "an empty one" : Describe(*stages);
    reader.Report("stages", *stages, "expected a map of stages, got " + what);
    return drafts;
  }
  if (stages->entries.size() > limits::kStagesPerSweepMax) {
    reader.Report("stages", *stages,
                  "a sweep has at most " + std::to_string(limits::kStagesPerSweepMax) + " stages");
    return drafts;
  }
  for (const YamlEntry& entry : stages->entries) {
    drafts.push_back(ReadStage(entry, defaults, problems));
  }
  return drafts;
}

void CheckCells(const SweepSpec& sweep, const YamlNode& stages, Problems& problems) {
  std::uint64_t cells = 0;  // of at most kStagesPerSweepMax stages within the limit each
  for (const StageSpec& stage : sweep.stages) cells += CountedCells(stage);
  if (cells <= limits::kCellsPerSweepMax) return;
  problems.Add(stages, "stages",
               std::to_string(cells) + " cells in all stages; a sweep has at most " +
                   std::to_string(limits::kCellsPerSweepMax));
}

SweepSpec ReadSweep(const YamlNode& root, Problems& problems) {
  SweepSpec sweep;
  MapReader reader(root, "", problems);
  if (root.kind == YamlNode::Kind::kScalar || root.kind == YamlNode::Kind::kSequence) return sweep;
  if (!reader.Read("name", ReadSweepName, sweep.name) && root.Find("name") == nullptr) {
    problems.Add(root, "name", "missing; a sweep has a name");
  }
  ReadSweepPolicies(reader, problems, sweep);
  const StageDefaults defaults = ReadDefaults(reader, problems, sweep);
  sweep.priority = defaults.policies.priority;
  std::vector<StageDraft> drafts = ReadStages(reader, root, defaults, problems);
  if (drafts.empty()) return sweep;
  sweep.stages = ResolveNeeds(std::move(drafts), problems);
  if (problems.count() == 0) CheckCells(sweep, root.Find("stages")->value, problems);
  return sweep;
}

}  // namespace

SpecReport ParseSweep(std::string_view text, const std::vector<std::string>& overrides) {
  Problems problems(overrides);
  YamlDocument document = ParseYaml(text);
  for (const YamlProblem& problem : document.problems) {
    problems.AddAt(problem.place, 0, "", problem.message);
  }
  SpecReport report;
  if (document.is_whole) {
    ApplyOverrides(overrides, document.root, problems);
    SweepSpec sweep = ReadSweep(document.root, problems);
    if (problems.count() == 0) report.spec = std::move(sweep);
  }
  report.problems = problems.Take();
  return report;
}

std::string ProblemsText(const std::vector<SpecProblem>& problems, std::string_view file_name) {
  std::string text;
  for (const SpecProblem& problem : problems) text += ProblemText(problem, file_name) + '\n';
  return text;
}

}  // namespace fusor
