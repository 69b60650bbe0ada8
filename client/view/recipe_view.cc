#include "client/view/recipe_view.h"

#include "client/format/text.h"
#include "client/format/width.h"

namespace fusor::client {

namespace {

constexpr std::size_t kWidth = 96;  // of text where no terminal says one

std::string FirstSentence(const std::string& text) {
  const std::size_t end = text.find(". ");
  return end == std::string::npos ? text : text.substr(0, end + 1);
}

std::string InputsText(const Recipe& recipe) {
  if (recipe.inputs_max == 0) return "none";
  const std::string least = std::to_string(recipe.inputs_min);
  return recipe.inputs_min == recipe.inputs_max
             ? least
             : least + " to " + std::to_string(recipe.inputs_max);
}

Json ValueJson(const Value& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return *number;
  if (const auto* number = std::get_if<double>(&value)) return *number;
  return std::get<std::string>(value);
}

}  // namespace

Table RecipeTable() {
  Table table;
  table.columns = {{"name", "RECIPE"},
                   {"version", "VERSION", true},
                   {"inputs", "INPUTS", true},
                   {"params", "PARAMETERS", true},
                   {"help", "TRAINS", false, true, Show::kAlways, true}};
  for (const Recipe& recipe : Catalogue()) {
    Row row;
    row.emplace_back(recipe.name, recipe.name, Style::kStrong);
    row.emplace_back(recipe.version, std::to_string(recipe.version));
    row.emplace_back(InputsText(recipe));
    row.emplace_back(recipe.params.size(), std::to_string(recipe.params.size()));
    row.emplace_back(recipe.help, FirstSentence(recipe.help));
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table ParamTable(const Recipe& recipe) {
  Table table;
  table.columns = {{"name", "PARAMETER"},
                   {"type", "", false, false, Show::kData},
                   {"default", "DEFAULT"},
                   {"accepts", "ACCEPTS", false, true, Show::kAlways, true},
                   {"help", "MEANING", false, true, Show::kAlways, true}};
  for (const Param& param : recipe.params) {
    const std::string shown = DisplayText(param.default_value);
    Row row;
    row.emplace_back(param.name, param.name, Style::kStrong);
    row.emplace_back(std::string(TypeName(param.type)));
    row.emplace_back(ValueJson(param.default_value), shown.empty() ? "(empty)" : shown);
    row.emplace_back(Accepts(param));
    row.emplace_back(Meaning(param));
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table MetricTable(const Recipe& recipe) {
  Table table;
  table.columns = {{"name", "METRIC"}, {"help", "IS", false, true, Show::kAlways, true}};
  for (const MetricInfo& metric : recipe.metrics) {
    Row row;
    row.emplace_back(metric.name, metric.name, Style::kStrong);
    row.emplace_back(metric.help);
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string RecipeText(const Recipe& recipe, const Look& look) {
  std::string out = look.Paint(recipe.name, Style::kStrong) + ", version " +
                    std::to_string(recipe.version) + "\n" +
                    Join(WrapTo(recipe.help, look.width > 0 ? look.width : kWidth), "\n") +
                    "\ninputs from other stages: " + InputsText(recipe) + "\n\n" +
                    RenderTable(ParamTable(recipe), look);
  if (!recipe.rules.empty()) out += "\nrefused at submit unless\n";
  for (const Rule& rule : recipe.rules) out += "  " + rule.says + "\n";
  if (!recipe.metrics.empty()) out += "\n" + RenderTable(MetricTable(recipe), look);
  return out;
}

Json RecipeJson(const Recipe& recipe) {
  Json json = Json::Object();
  json.Set("name", recipe.name).Set("version", recipe.version).Set("help", recipe.help);
  json.Set("inputs_min", recipe.inputs_min).Set("inputs_max", recipe.inputs_max);
  Json params = Json::Array();
  for (const Param& param : recipe.params) {
    Json entry = Json::Object();
    entry.Set("name", param.name).Set("type", TypeName(param.type));
    entry.Set("default", ValueJson(param.default_value)).Set("accepts", Accepts(param));
    entry.Set("choices", Json::Texts(param.choices)).Set("help", Meaning(param));
    params.Add(entry);
  }
  json.Set("params", params);
  Json rules = Json::Array();
  for (const Rule& rule : recipe.rules) rules.Add(rule.says);
  json.Set("rules", rules);
  Json metrics = Json::Array();
  for (const MetricInfo& metric : recipe.metrics) {
    Json entry = Json::Object();
    entry.Set("name", metric.name).Set("help", metric.help);
    metrics.Add(entry);
  }
  json.Set("metrics", metrics);
  return json;
}

}  // namespace fusor::client
