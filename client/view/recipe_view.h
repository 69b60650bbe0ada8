#pragma once

// The catalogue of recipes as people and programs read it.

#include <string>

#include "client/format/table.h"
#include "common/recipe/recipe.h"

namespace fusor::client {

Table RecipeTable();
Table ParamTable(const Recipe& recipe);
std::string RecipeText(const Recipe& recipe, const Look& look);
Json RecipeJson(const Recipe& recipe);

}  // namespace fusor::client
