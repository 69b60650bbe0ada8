#include "coordinator/spec/exclude.h"

#include <algorithm>
#include <map>
#include <optional>

#include "common/base/limits.h"
#include "common/recipe/suggest.h"
#include "common/text/scalar.h"
#include "coordinator/spec/axis_target.h"
#include "coordinator/spec/map_reader.h"

namespace fusor {

namespace {

constexpr std::size_t kRulesMax = 1'000;

// The rule as one line of YAML.
std::string RuleText(const YamlNode& rule) {
  std::string text = "{";
  for (const YamlEntry& entry : rule.entries) {
    if (text.size() > 1) text += ", ";
    text += entry.key + ": ";
    if (entry.value.kind != YamlNode::Kind::kSequence) {
      text += entry.value.text;
      continue;
    }
    std::string list;
    for (const YamlNode& item : entry.value.items) list += (list.empty() ? "" : ", ") + item.text;
    text += '[' + list + ']';
  }
  return text + '}';
}

class ExcludeReader {
 public:
  ExcludeReader(Problems& problems, StageDraft& draft)
      : problems_(problems), draft_(draft), indexes_(draft.spec.axes.size()) {}

  void ReadRule(const YamlNode& node, const std::string& path) {
    if (node.kind != YamlNode::Kind::kMap || node.entries.empty()) {
      const std::string what = node.kind == YamlNode::Kind::kMap ? "an empty one" : Describe(node);
      problems_.Add(node, path, "expected a map from axes to values, got " + what);
      return;
    }
    Exclude rule{.terms = {}, .text = RuleText(node)};
    for (const YamlEntry& entry : node.entries) ReadTerm(entry, JoinPath(path, entry.key), rule);
    draft_.spec.excludes.push_back(std::move(rule));
  }

 private:
  void ReadTerm(const YamlEntry& entry, const std::string& path, Exclude& rule) {
    const auto axis = FindAxis(draft_.spec, entry.key);
    if (!axis) {
      // Its axis may be one that could not be read, which has been said.
      if (!draft_.sound && draft_.recipe->Find(entry.key) != nullptr) return;
      problems_.Add(entry, path,
                    "'" + entry.key + "' is not an axis of this stage" +
                        Suggestion(entry.key, AxisNames(draft_.spec)));
      return;
    }
    Exclude::Term term{.axis = *axis, .values = {}};
    if (entry.value.kind != YamlNode::Kind::kSequence) {
      ReadTermValue(entry.value, path, term);
    }
    for (std::size_t i = 0; i < entry.value.items.size(); ++i) {
      ReadTermValue(entry.value.items[i], IndexPath(path, i), term);
    }
    std::sort(term.values.begin(), term.values.end());
    term.values.erase(std::unique(term.values.begin(), term.values.end()), term.values.end());
    rule.terms.push_back(std::move(term));
  }

  void ReadTermValue(const YamlNode& node, const std::string& path, Exclude::Term& term) {
    const auto value = ReadAxisValue(TargetOfAxis(draft_, term.axis), node);
    if (!value.ok()) {
      problems_.Add(node, path, value.status().message());
      return;
    }
    auto& index = indexes_[term.axis];
    const std::vector<Value>& values = draft_.spec.axes[term.axis].values;
    if (index.empty()) {
      for (std::uint32_t i = 0; i < values.size(); ++i) index.emplace(values[i], i);
    }
    const auto found = index.find(*value);
    if (found != index.end()) term.values.push_back(found->second);
  }

  Problems& problems_;
  StageDraft& draft_;
  std::vector<std::map<Value, std::uint32_t>> indexes_;  // per axis, made when first needed
};

}  // namespace

void ReadExcludes(const YamlNode& node, const std::string& path, Problems& problems,
                  StageDraft& draft) {
  if (node.kind != YamlNode::Kind::kSequence || node.items.size() > kRulesMax) {
    problems.Add(node, path,
                 "expected a list of at most " + std::to_string(kRulesMax) +
                     " rules, e.g. [{model: densenet, batch_size: [64, 128]}]");
    draft.sound = false;
    return;
  }
  const std::size_t before = problems.count();
  ExcludeReader reader(problems, draft);
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    reader.ReadRule(node.items[i], IndexPath(path, i));
  }
  if (problems.count() > before) draft.sound = false;
}

RandomChoice ReadRandom(const YamlNode& node, const std::string& path, Problems& problems) {
  const auto positive = [](const YamlNode& number) -> Result<std::int64_t> {
    auto read = ReadInt(number);
    if (!read.ok() || *read >= 1) return read;
    return InvalidArgument(std::to_string(*read) + " is not a number of trials");
  };
  RandomChoice choice;
  MapReader reader(node, path, problems);
  if (reader.Node("trials") == nullptr) {
    problems.Add(node, path, "say how many: random: {trials: N, seed: S}");
  }
  reader.Read("trials", positive, choice.trials);
  reader.Read("seed", ReadInt, choice.seed);
  return choice;
}

}  // namespace fusor
