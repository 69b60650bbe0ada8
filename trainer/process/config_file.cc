#include "trainer/process/config_file.h"

#include <vector>

#include "common/recipe/suggest.h"
#include "trainer/contract/job.h"
#include "trainer/io/atomic_file.h"

#ifdef FUSOR_YAML
#include "common/text/param_maps.h"
#include "common/text/scalar.h"
#include "common/text/yaml.h"
#endif

namespace fusor {
namespace {

constexpr std::size_t kConfigBytesMax = 16 << 20;

#ifdef FUSOR_YAML

// Gathers what a file says, and all that is wrong with it.
class ConfigReader {
 public:
  ConfigReader(const Recipe& recipe, const std::string& path) : recipe_(recipe), path_(path) {}

  Result<ParamValues> Read(const YamlDocument& document) {
    for (const YamlProblem& problem : document.problems) Problem(problem.place, problem.message);
    const YamlNode& root = document.root;
    if (root.kind != YamlNode::Kind::kMap && document.problems.empty() &&
        root.kind != YamlNode::Kind::kNull) {
      Problem(root.place, "expected a map of parameters, got " + Describe(root));
    }
    const PlainParams plain = SpreadMaps(recipe_, root.entries);
    for (const ParamProblem& problem : plain.problems) Problem(problem.place, problem.message);
    for (const PlainParam& param : plain.params) Add(param.entry);
    if (!problems_.empty()) return InvalidArgument(problems_);
    return std::move(values_);
  }

 private:
  void Add(const YamlEntry& entry) {
    const Param* param = recipe_.Find(entry.key);
    if (param == nullptr) {
      std::vector<std::string> names;
      for (const Param& known : recipe_.params) names.push_back(known.name);
      return Problem(entry.place, "recipe " + recipe_.name + " has no parameter '" + entry.key +
                                      "'" + Suggestion(entry.key, names));
    }
    auto value = ReadValue(*param, entry.value);
    if (!value.ok()) return Problem(entry.value.place, entry.key + ": " + value.status().message());
    if (!values_.emplace(entry.key, std::move(*value)).second) {
      Problem(entry.place, entry.key + " is given twice");
    }
  }

  void Problem(const TextPlace& place, const std::string& what) {
    problems_ += (problems_.empty() ? "" : "\n") + path_ + ":" + std::to_string(place.line) + ":" +
                 std::to_string(place.column) + ": " + what;
  }

  const Recipe& recipe_;
  const std::string& path_;
  ParamValues values_;
  std::string problems_;
};

#endif

}  // namespace

Result<ParamValues> ReadConfigFile(const Recipe& recipe, const std::string& path) {
  const auto text = ReadFile(path, kConfigBytesMax);
  if (!text.ok()) return text.status();
#ifdef FUSOR_YAML
  return ConfigReader(recipe, path).Read(ParseYaml(*text));
#else
  auto values = ParseParams(recipe, *text);
  if (values.ok()) return values;
  return InvalidArgument(path + ": " + values.status().message() +
                         " (this build reads JSON alone)");
#endif
}

}  // namespace fusor
