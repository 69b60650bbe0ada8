#include "coordinator/spec/overrides.h"

#include <charconv>
#include <optional>

#include "common/recipe/suggest.h"
#include "common/text/scalar.h"
#include "coordinator/spec/map_reader.h"

namespace fusor {

namespace {

constexpr std::size_t kPathMax = 16;

struct Step {
  std::string key;
  int column = 1;  // in the override's text
};

struct Override {
  std::vector<Step> path;
  std::size_t value_at = 0;  // where VALUE begins
};

// The path up to '=', or nothing when the text is not PATH=VALUE.
std::optional<Override> Split(std::string_view text) {
  Override result;
  std::size_t i = 0;
  while (i < text.size() && result.path.size() < kPathMax) {
    Step step{.key = "", .column = static_cast<int>(i) + 1};
    if (text[i] == '"') {
      const std::size_t end = text.find('"', i + 1);
      if (end == std::string_view::npos) return std::nullopt;
      step.key = text.substr(i + 1, end - i - 1);
      i = end + 1;
    } else {
      const std::size_t end = text.find_first_of(".=", i);
      if (end == std::string_view::npos) return std::nullopt;
      step.key = text.substr(i, end - i);
      i = end;
    }
    if (step.key.empty() || i >= text.size()) return std::nullopt;
    result.path.push_back(std::move(step));
    if (text[i] == '=') {
      result.value_at = i + 1;
      return result;
    }
    if (text[i] != '.') return std::nullopt;
    ++i;
  }
  return std::nullopt;
}

// Columns count from the beginning of the override, not of its value.
void ShiftColumns(YamlNode& node, int by) {
  if (node.place.line == 1) node.place.column += by;
  for (YamlNode& item : node.items) ShiftColumns(item, by);
  for (YamlEntry& entry : node.entries) {
    if (entry.place.line == 1) entry.place.column += by;
    ShiftColumns(entry.value, by);
  }
}

// One override on its way down the tree.
class Setter {
 public:
  Setter(const Override& parsed, int source, Problems& problems)
      : parsed_(parsed), source_(source), problems_(problems) {}

  void Set(YamlNode& root, YamlNode value) {
    YamlNode* node = &root;
    for (depth_ = 0; depth_ < parsed_.path.size(); ++depth_) {
      node = StepInto(*node);
      if (node == nullptr) return;
      path_ = JoinPath(path_, parsed_.path[depth_].key);
    }
    *node = std::move(value);
  }

 private:
  YamlNode* StepInto(YamlNode& node) {
    if (node.kind == YamlNode::Kind::kSequence) return StepIntoList(node);
    if (node.kind == YamlNode::Kind::kScalar) {
      return Refuse("'" + path_ + "' is " + Describe(node) + ", not a map");
    }
    node.kind = YamlNode::Kind::kMap;
    const Step& step = parsed_.path[depth_];
    for (YamlEntry& entry : node.entries) {
      if (entry.key == step.key) return Claim(entry);
    }
    const bool is_stage = depth_ == 1 && parsed_.path[0].key == "stages";
    if (is_stage && parsed_.path.size() > 2) {
      std::vector<std::string> stages;
      for (const YamlEntry& entry : node.entries) stages.push_back(entry.key);
      return Refuse("there is no stage '" + step.key + "'" + Suggestion(step.key, stages));
    }
    node.entries.push_back({.key = step.key, .place = {}, .source = 0, .value = {}});
    node.entries.back().value.place = {1, step.column};
    node.entries.back().value.source = source_;
    return Claim(node.entries.back(), true);
  }

  YamlNode* StepIntoList(YamlNode& node) {
    const std::string& key = parsed_.path[depth_].key;
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
    if (error != std::errc() || end != key.data() + key.size() || index >= node.items.size()) {
      return Refuse("'" + path_ + "' is a list of " + std::to_string(node.items.size()) +
                    "; the first is 0");
    }
    return &node.items[index];
  }

  // The last key of the path, and every key that it made, is the override's.
  YamlNode* Claim(YamlEntry& entry, bool made = false) {
    if (made || depth_ + 1 == parsed_.path.size()) {
      entry.place = {1, parsed_.path[depth_].column};
      entry.source = source_;
    }
    return &entry.value;
  }

  YamlNode* Refuse(std::string message) {
    problems_.AddAt({1, parsed_.path[depth_].column}, source_,
                    JoinPath(path_, parsed_.path[depth_].key), std::move(message));
    return nullptr;
  }

  const Override& parsed_;
  int source_;
  Problems& problems_;
  std::size_t depth_ = 0;
  std::string path_;
};

}  // namespace

void ApplyOverrides(const std::vector<std::string>& overrides, YamlNode& root, Problems& problems) {
  for (std::size_t k = 0; k < overrides.size(); ++k) {
    const int source = static_cast<int>(k) + 1;
    const auto parsed = Split(overrides[k]);
    if (!parsed) {
      problems.AddAt({1, 1}, source, "", "expected PATH=VALUE, e.g. stages.train.params.epochs=10");
      continue;
    }
    YamlDocument value = ParseYaml(std::string_view(overrides[k]).substr(parsed->value_at), source);
    const int shift = static_cast<int>(parsed->value_at);
    for (const YamlProblem& problem : value.problems) {
      const int column = problem.place.column + (problem.place.line == 1 ? shift : 0);
      problems.AddAt({problem.place.line, column}, source, "", problem.message);
    }
    if (!value.problems.empty()) continue;
    ShiftColumns(value.root, shift);
    Setter(*parsed, source, problems).Set(root, std::move(value.root));
  }
}

}  // namespace fusor
