#include "coordinator/spec/axis_target.h"

#include <set>

#include "common/base/limits.h"
#include "common/recipe/suggest.h"
#include "common/text/scalar.h"
#include "coordinator/spec/map_reader.h"
#include "coordinator/spec/names.h"

namespace fusor {

namespace {

constexpr std::string_view kGpuTypeAxis = "gpu_type";
constexpr std::size_t kAxesMax = 32;

// What the name stands for in the stage, or why it cannot be an axis.
Result<AxisTarget> TargetOf(const Recipe& recipe, const std::string& name) {
  if (name == kGpuTypeAxis) return AxisTarget{.kind = AxisKind::kGpuType, .param = nullptr};
  if (name == "resources" || name.starts_with("resources.")) {
    return InvalidArgument(
        "axes of resources are reserved and not built yet; give the stage one value under "
        "resources");
  }
  if (name == "seeds" || name == "seed") {
    return InvalidArgument("seeds are an axis of their own; write seeds: [...] beside axes");
  }
  const Param* param = recipe.Find(name);
  if (param != nullptr) return AxisTarget{.kind = AxisKind::kParam, .param = param};
  std::vector<std::string> names;
  for (const Param& known : recipe.params) {
    if (known.role != ParamRole::kSeed) names.push_back(known.name);
  }
  names.emplace_back(kGpuTypeAxis);
  return InvalidArgument("recipe " + recipe.name + " has no parameter '" + name + "'" +
                         Suggestion(name, names));
}

}  // namespace

std::optional<AxisTarget> ClaimAxis(const YamlEntry& entry, const std::string& path,
                                    Problems& problems, StageDraft& draft) {
  const auto target = TargetOf(*draft.recipe, entry.key);
  std::string refusal;
  if (!target.ok()) refusal = target.status().message();
  if (draft.written.contains(entry.key)) {
    refusal = "given twice, also as " + draft.WhereIs(entry.key).path;
  }
  if (draft.spec.axes.size() > kAxesMax) {
    refusal = "a stage has at most " + std::to_string(kAxesMax) + " axes";
  }
  if (refusal.empty()) {
    draft.Wrote(entry, path);
    return *target;
  }
  problems.Add(entry, path, refusal);
  draft.sound = false;
  return std::nullopt;
}

std::size_t AddAxis(const std::string& name, const AxisTarget& target, StageSpec& stage) {
  Axis axis;
  axis.name = name;
  axis.kind = target.kind;
  if (target.param != nullptr) axis.role = target.param->role;
  stage.axes.push_back(std::move(axis));
  return stage.axes.size() - 1;
}

Result<Value> ReadAxisValue(const AxisTarget& target, const YamlNode& node) {
  if (target.param != nullptr) return ReadValue(*target.param, node);
  const auto name = ReadGpuType(node);
  if (!name.ok()) return name.status();
  return Value(*name);
}

AxisTarget TargetOfAxis(const StageDraft& draft, std::size_t axis) {
  const Axis& known = draft.spec.axes[axis];
  return {.kind = known.kind, .param = draft.recipe->Find(known.name)};
}

std::optional<std::vector<Value>> ReadSeeds(const YamlNode& node, const std::string& path,
                                            Problems& problems) {
  if (node.kind != YamlNode::Kind::kSequence || node.items.empty()) {
    problems.Add(node, path, "expected a list of at least one seed, e.g. [0, 1, 2]");
    return std::nullopt;
  }
  if (node.items.size() > limits::kAxisValuesMax) {
    problems.Add(node, path, "at most " + std::to_string(limits::kAxisValuesMax) + " seeds");
    return std::nullopt;
  }
  // The seed is declared alike in every recipe.
  const Param& seed = *Catalogue().front().Find("seed");
  std::vector<Value> values;
  std::set<Value> seen;
  const std::size_t before = problems.count();
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const auto value = ReadValue(seed, node.items[i]);
    if (!value.ok()) {
      problems.Add(node.items[i], IndexPath(path, i), value.status().message());
    } else if (!seen.insert(*value).second) {
      problems.Add(node.items[i], IndexPath(path, i), DisplayText(*value) + " is twice in seeds");
    } else {
      values.push_back(*value);
    }
  }
  if (problems.count() > before) return std::nullopt;
  return values;
}

}  // namespace fusor
