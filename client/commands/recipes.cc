#include <ostream>

#include "client/commands/commands.h"
#include "client/commands/session.h"
#include "client/view/recipe_view.h"
#include "common/recipe/catalogue.h"
#include "common/recipe/suggest.h"

namespace fusor::client {

namespace {

Result<int> Run(Session& session) {
  const std::string name = session.arguments().Text("NAME");
  if (session.output() == Output::kMarkdown) {
    session.out() << RecipesMarkdown();
    return kExitOk;
  }
  if (name.empty()) {
    WriteTable(session.out(), session.output(), session.look(), RecipeTable());
    session.Next({"fusor recipes NAME  # its parameters"});
    return kExitOk;
  }
  const Recipe* recipe = FindRecipe(name);
  if (recipe == nullptr) {
    std::vector<std::string> names;
    for (const Recipe& each : Catalogue()) names.push_back(each.name);
    return NotFound("no recipe '" + name + "'" + Suggestion(name, names));
  }
  if (session.for_people()) {
    session.out() << RecipeText(*recipe, session.look());
  } else if (session.output() == Output::kJson) {
    session.out() << RecipeJson(*recipe).Pretty() << "\n";
  } else {
    WriteTable(session.out(), session.output(), session.look(), ParamTable(*recipe));
  }
  return kExitOk;
}

}  // namespace

CommandSpec RecipesCommand() {
  CommandSpec spec;
  spec.name = "recipes";
  spec.topic = Topic::kOther;
  spec.help = "what a stage can train, and with which parameters; needs no coordinator";
  spec.arguments = {{.name = "NAME",
                     .help = "the parameters of this one",
                     .required = false,
                     .completes = Completes::kRecipe}};
  spec.outputs = {Output::kTable, Output::kJson, Output::kCsv, Output::kId, Output::kMarkdown};
  spec.run = Run;
  return spec;
}

}  // namespace fusor::client
