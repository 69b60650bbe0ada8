#include "common/recipe/catalogue.h"

#include "common/recipe/recipe.h"

namespace fusor {

namespace {

// A '|' would end the table's cell.
std::string Cell(std::string text) {
  for (std::size_t at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2)) {
    text.insert(at, "\\");
  }
  return text;
}

std::string InputsText(const Recipe& recipe) {
  if (recipe.inputs_max == 0) return "Takes no inputs.";
  const std::string least = std::to_string(recipe.inputs_min);
  const std::string most = std::to_string(recipe.inputs_max);
  return "Takes " + (least == most ? most : least + " to " + most) +
         " trials of other stages as inputs (`needs`).";
}

void AppendRecipe(std::string& page, const Recipe& recipe) {
  page += "\n## " + recipe.name + "\n\n" + recipe.help + "\n\n" + InputsText(recipe) + " Version " +
          std::to_string(recipe.version) + ".\n\n";
  page += "| parameter | accepts | default | meaning |\n|---|---|---|---|\n";
  for (const Param& param : recipe.params) {
    const std::string shown = DisplayText(param.default_value);
    page += "| `" + param.name + "` | " + Cell(Accepts(param)) + " | " +
            (shown.empty() ? "(empty)" : "`" + Cell(shown) + "`") + " | " + Cell(Meaning(param)) +
            " |\n";
  }
  if (!recipe.rules.empty()) page += "\nRefused at submit unless:\n\n";
  for (const Rule& rule : recipe.rules) page += "* " + rule.says + "\n";
  if (!recipe.metrics.empty()) page += "\n| metric | is |\n|---|---|\n";
  for (const MetricInfo& metric : recipe.metrics) {
    page += "| `" + metric.name + "` | " + Cell(metric.help) + " |\n";
  }
}

}  // namespace

const std::vector<Recipe>& Catalogue() {
  static const std::vector<Recipe> kCatalogue = {ExpertRecipe(), FusionRecipe(), ProbeRecipe()};
  return kCatalogue;
}

const Recipe* FindRecipe(std::string_view name) {
  for (const Recipe& recipe : Catalogue()) {
    if (recipe.name == name) return &recipe;
  }
  return nullptr;
}

std::string RecipesMarkdown() {
  std::string page =
      "# Recipes\n\n"
      "What a stage of a sweep can train, and with which parameters. Each is declared once, in\n"
      "`common/recipe`; this page is `fusor recipes -o markdown`. How to write a sweep:\n"
      "[sweep_file.md](sweep_file.md).\n";
  for (const Recipe& recipe : Catalogue()) AppendRecipe(page, recipe);
  return page;
}

}  // namespace fusor
