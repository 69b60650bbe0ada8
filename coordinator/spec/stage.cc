#include "coordinator/spec/stage.h"

#include "common/base/count.h"
#include "common/recipe/suggest.h"
#include "common/text/param_maps.h"
#include "common/text/scalar.h"
#include "coordinator/core/cell_counter.h"
#include "coordinator/core/grid.h"
#include "coordinator/spec/axes.h"
#include "coordinator/spec/axis_target.h"
#include "coordinator/spec/combinations.h"
#include "coordinator/spec/exclude.h"
#include "coordinator/spec/expect.h"
#include "coordinator/spec/grid_size.h"
#include "coordinator/spec/map_reader.h"
#include "coordinator/spec/names.h"

namespace fusor {

namespace {

const Recipe* ReadRecipe(MapReader& reader, const YamlEntry& entry, Problems& problems) {
  std::vector<std::string> names;
  for (const Recipe& recipe : Catalogue()) names.push_back(recipe.name);
  const YamlNode* node = reader.Node("recipe");
  if (node == nullptr) {
    problems.Add(entry, reader.PathOf("recipe"), "missing; one of " + JoinNames(names));
    return nullptr;
  }
  const auto name = ReadText(*node);
  if (!name.ok()) {
    reader.Report("recipe", *node, name.status().message());
    return nullptr;
  }
  const Recipe* recipe = FindRecipe(*name);
  if (recipe == nullptr) {
    reader.Report("recipe", *node, "there is no recipe '" + *name + "'" + Suggestion(*name, names));
  }
  return recipe;
}

void AddSeedAxis(MapReader& reader, const StageDefaults& defaults, Problems& problems,
                 StageDraft& draft) {
  Axis axis{.name = "seed", .kind = AxisKind::kSeed, .role = ParamRole::kSeed, .values = {}};
  axis.values = defaults.seeds;
  draft.spec.seeds_given = defaults.seeds_given;
  if (const YamlNode* node = reader.Node("seeds")) {
    const auto own = ReadSeeds(*node, reader.PathOf("seeds"), problems);
    draft.sound = draft.sound && own.has_value();
    if (own) axis.values = *own;
    draft.spec.own_seeds = true;
    draft.spec.seeds_given = true;
  }
  draft.spec.dimensions.push_back({.axes = {0}, .rows = PlainRows(axis.values.size())});
  draft.spec.axes.push_back(std::move(axis));
}

void ReadParam(const YamlEntry& entry, const std::string& path, Problems& problems,
               StageDraft& draft) {
  const Param* param = draft.recipe->Find(entry.key);
  std::string refusal;
  if (param == nullptr) {
    std::vector<std::string> names;
    for (const Param& known : draft.recipe->params) names.push_back(known.name);
    refusal = "recipe " + draft.recipe->name + " has no parameter '" + entry.key + "'" +
              Suggestion(entry.key, names);
  } else if (param->role == ParamRole::kSeed) {
    refusal = "write seeds: [" + entry.value.text + "] beside params";
  } else if (draft.written.contains(entry.key)) {
    refusal = "given twice, also as " + draft.WhereIs(entry.key).path;
  } else if (entry.value.kind == YamlNode::Kind::kSequence) {
    refusal = "a parameter has one value; a list of values goes under axes";
  }
  if (!refusal.empty()) {
    problems.Add(entry, path, refusal);
    draft.sound = false;
    return;
  }
  draft.Wrote(entry, path);
  const auto value = ReadValue(*param, entry.value);
  if (value.ok()) {
    draft.spec.params[entry.key] = *value;
  } else {
    problems.Add(entry.value, path, value.status().message());
    draft.sound = false;
  }
}

void ReadParams(MapReader& reader, Problems& problems, StageDraft& draft) {
  if (const YamlNode* node = reader.Node("params")) {
    const std::string path = reader.PathOf("params");
    MapReader params(*node, path, problems);
    for (const YamlEntry& entry : node->entries) params.Entry(entry.key);
    const PlainParams plain = SpreadMaps(*draft.recipe, node->entries);
    for (const ParamProblem& problem : plain.problems) {
      problems.AddAt(problem.place, problem.source, JoinPath(path, problem.path), problem.message);
      draft.sound = false;
    }
    for (const PlainParam& param : plain.params) {
      ReadParam(param.entry, JoinPath(path, param.path), problems, draft);
    }
  }
  for (const Param& param : draft.recipe->params) {
    if (!FindAxis(draft.spec, param.name)) {
      draft.spec.params.try_emplace(param.name, param.default_value);
    }
  }
}

void Draw(const RandomChoice& choice, const YamlNode& node, const std::string& path,
          Problems& problems, StageDraft& draft) {
  const auto wanted = static_cast<std::uint64_t>(choice.trials);
  const std::uint64_t left = DrawableCells(draft.spec);
  if (wanted > left) {
    problems.Add(node, path,
                 CountOf(wanted, "trial") + " cannot be drawn; the grid has " +
                     CountOf(left, "cell") + " per seed not excluded");
    draft.sound = false;
    return;
  }
  draft.spec.drawn = DrawCells(draft.spec, wanted, static_cast<std::uint64_t>(choice.seed));
}

// What needs the whole stage: sizes, combinations, the draw.
void Complete(MapReader& reader, Problems& problems, StageDraft& draft) {
  const YamlNode* exclude = reader.Node("exclude");
  const YamlNode* random = reader.Node("random");
  RandomChoice choice;
  if (random != nullptr) {
    const std::size_t before = problems.count();
    choice = ReadRandom(*random, reader.PathOf("random"), problems);
    if (problems.count() > before) draft.sound = false;
  }
  if (draft.sound) {
    const Status size = CheckGridSize(draft.spec, static_cast<std::uint64_t>(choice.trials));
    if (!size.ok()) problems.Add(*draft.entry, draft.path, size.message());
    draft.sound = size.ok();
  }
  if (draft.sound) CheckCombinations(draft, problems);
  if (draft.sound && random != nullptr) {
    Draw(choice, *random, reader.PathOf("random"), problems, draft);
  }
  if (draft.sound && CellCounter(draft.spec).Count().trials == 0) {
    reader.Report("exclude", exclude != nullptr ? *exclude : draft.entry->value,
                  "the rules exclude every cell");
    draft.sound = false;
  }
}

}  // namespace

StageDraft ReadStage(const YamlEntry& entry, const StageDefaults& defaults, Problems& problems) {
  StageDraft draft;
  draft.entry = &entry;
  draft.path = JoinPath("stages", entry.key);
  draft.spec.name = entry.key;
  const Status name = CheckStageName(entry.key);
  if (!name.ok()) problems.Add(entry, draft.path, name.message());

  MapReader reader(entry.value, draft.path, problems);
  draft.recipe = ReadRecipe(reader, entry, problems);
  Policies policies = defaults.policies;
  ReadPolicies(reader, problems, policies);
  draft.sound = draft.recipe != nullptr;
  draft.spec.resources = std::move(policies.resources);
  draft.spec.precision_fallback = defaults.precision_fallback;
  draft.spec.retry = std::move(policies.retry);
  draft.spec.checkpoint = policies.checkpoint;
  draft.spec.time_limit = policies.time_limit;
  draft.spec.hang_timeout = policies.hang_timeout;
  draft.spec.priority = policies.priority;
  for (const char* key :
       {"seeds", "axes", "zip", "cells", "params", "exclude", "random", "needs", "expect"}) {
    reader.Entry(key);  // known, even where the recipe is not
  }
  if (draft.recipe == nullptr) return draft;
  draft.spec.recipe = draft.recipe->name;
  draft.spec.recipe_version = draft.recipe->version;
  AddSeedAxis(reader, defaults, problems, draft);
  ReadAxes(reader, problems, draft);
  if (const YamlNode* exclude = reader.Node("exclude")) {
    ReadExcludes(*exclude, reader.PathOf("exclude"), problems, draft);
  }
  ReadParams(reader, problems, draft);
  if (const YamlNode* expect = reader.Node("expect")) {
    draft.spec.expect = ReadExpectations(*expect, reader.PathOf("expect"), *draft.recipe, problems);
  }
  Complete(reader, problems, draft);
  return draft;
}

}  // namespace fusor
