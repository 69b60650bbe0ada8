#include "coordinator/spec/expect.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

#include "common/recipe/suggest.h"
#include "common/text/scalar.h"
#include "coordinator/spec/map_reader.h"

namespace fusor {

namespace {

using Comparison = Expectation::Comparison;

// The longer sign comes before the one that it begins with.
constexpr std::pair<std::string_view, Comparison> kSigns[] = {{">=", Comparison::kAtLeast},
                                                              {"<=", Comparison::kAtMost},
                                                              {">", Comparison::kAbove},
                                                              {"<", Comparison::kBelow}};

Result<Expectation> ReadCondition(const YamlNode& node) {
  const auto text = ReadText(node);
  if (!text.ok()) return text.status();
  Expectation expectation{.text = *text};
  for (const auto& [sign, comparison] : kSigns) {
    if (!text->starts_with(sign)) continue;
    expectation.comparison = comparison;
    std::string_view number = std::string_view(*text).substr(sign.size());
    while (number.starts_with(' ')) number.remove_prefix(1);
    const char* end = number.data() + number.size();
    const auto [stop, error] = std::from_chars(number.data(), end, expectation.bound);
    if (error == std::errc() && stop == end && std::isfinite(expectation.bound)) {
      return expectation;
    }
    break;
  }
  return InvalidArgument("'" + *text + "' is no condition; write one such as '>= 0.8' or '< 1.5'");
}

Status CheckMetric(const Recipe& recipe, const std::string& name) {
  std::vector<std::string> names;
  for (const MetricInfo& metric : recipe.metrics) names.push_back(metric.name);
  if (std::find(names.begin(), names.end(), name) != names.end()) return Ok();
  return InvalidArgument(
      "recipe " + recipe.name + " records no '" + name + "'" +
      (names.empty() ? std::string(", nor anything else to expect") : Suggestion(name, names)));
}

}  // namespace

std::vector<Expectation> ReadExpectations(const YamlNode& node, const std::string& path,
                                          const Recipe& recipe, Problems& problems) {
  std::vector<Expectation> expectations;
  MapReader reader(node, path, problems);
  for (const YamlEntry& entry : node.entries) {
    reader.Entry(entry.key);
    const Status known = CheckMetric(recipe, entry.key);
    if (!known.ok()) problems.Add(entry, JoinPath(path, entry.key), known.message());
    auto condition = ReadCondition(entry.value);
    if (!condition.ok()) {
      problems.Add(entry.value, JoinPath(path, entry.key), condition.status().message());
      continue;
    }
    condition->metric = entry.key;
    expectations.push_back(std::move(*condition));
  }
  return expectations;
}

}  // namespace fusor
