#pragma once

// The declarations behind Catalogue(), one file per recipe.

#include "common/recipe/recipe.h"

namespace fusor {

Recipe ExpertRecipe();  // expert.cc
Recipe FusionRecipe();  // fusion.cc
Recipe ProbeRecipe();   // probe.cc

// docs/recipes.md: every recipe with every parameter. A test compares the file with this text.
std::string RecipesMarkdown();

}  // namespace fusor
