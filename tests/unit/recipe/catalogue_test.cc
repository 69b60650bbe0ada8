#include "common/recipe/catalogue.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

namespace fusor {
namespace {

TEST(Catalogue, DeclarationsAreComplete) {
  std::set<std::string> recipes;
  for (const Recipe& recipe : Catalogue()) {
    EXPECT_TRUE(recipes.insert(recipe.name).second) << recipe.name;
    EXPECT_FALSE(recipe.help.empty()) << recipe.name;
    EXPECT_LE(recipe.inputs_min, recipe.inputs_max);
    std::set<std::string> params;
    int seeds = 0;
    for (const Param& param : recipe.params) {
      EXPECT_TRUE(params.insert(param.name).second) << recipe.name << '.' << param.name;
      EXPECT_FALSE(param.help.empty()) << recipe.name << '.' << param.name;
      EXPECT_TRUE(CheckValue(param, param.default_value).ok()) << recipe.name << '.' << param.name;
      EXPECT_EQ(param.type == ParamType::kChoice,
                param.type != ParamType::kInt && !param.choices.empty())
          << recipe.name << '.' << param.name;
      seeds += param.role == ParamRole::kSeed ? 1 : 0;
    }
    EXPECT_EQ(seeds, 1) << recipe.name << ": a sweep's seeds need one parameter to go to";
    EXPECT_EQ(recipe.Find("seed")->role, ParamRole::kSeed);
    for (const Rule& rule : recipe.rules) {
      for (const std::string& name : rule.reads) EXPECT_NE(recipe.Find(name), nullptr) << name;
      EXPECT_NE(rule.check, nullptr);
    }
  }
}

TEST(Catalogue, DefaultsMakeAConfig) {
  for (const Recipe& recipe : Catalogue()) {
    const Result<Config> config = MakeConfig(recipe, {});
    EXPECT_TRUE(config.ok()) << config.status().message();
  }
}

TEST(Catalogue, FindsByExactName) {
  EXPECT_NE(FindRecipe("probe"), nullptr);
  EXPECT_EQ(FindRecipe("Probe"), nullptr);
}

TEST(RecipesMarkdown, IsThePageInDocs) {
  std::ifstream file(FUSOR_SOURCE_DIR "/docs/recipes.md");
  std::ostringstream page;
  page << file.rdbuf();
  EXPECT_EQ(page.str(), RecipesMarkdown())
      << "docs/recipes.md is generated: fusor recipes -o markdown > docs/recipes.md";
}

}  // namespace
}  // namespace fusor
