#include "trainer/process/arguments.h"

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <thread>
#include <vector>

#include "common/base/sha256.h"
#include "common/dataset/presence.h"
#include "common/recipe/suggest.h"
#include "trainer/process/config_file.h"

namespace fusor {
namespace {

constexpr std::int64_t kCheckpointEveryMs = 60'000;

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::vector<std::string> RecipeNames() {
  std::vector<std::string> names;
  for (const Recipe& recipe : Catalogue()) names.push_back(recipe.name);
  return names;
}

template <class Number>
std::optional<Number> Parse(std::string_view text) {
  Number number{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Paths are those of the folder where the command was given.
std::string MakeAbsolute(const std::string& paths) {
  std::string all;
  for (const std::string& path : SplitList(paths)) {
    all += (all.empty() ? "" : ",") + std::filesystem::absolute(path).lexically_normal().string();
  }
  return all;
}

// The text as the parameter's type; as text where it does not fit, so that the check says why.
Value ReadValue(const Param& param, std::string_view text) {
  switch (param.type) {
    case ParamType::kBool:
      if (text == "true" || text == "yes" || text == "on" || text == "1") return true;
      if (text == "false" || text == "no" || text == "off" || text == "0") return false;
      break;
    case ParamType::kInt:
      if (auto number = Parse<std::int64_t>(text)) return *number;
      break;
    case ParamType::kFloat:
      if (auto number = Parse<double>(text)) return *number;
      break;
    case ParamType::kText:
    case ParamType::kChoice:
      break;
  }
  return std::string(text);
}

// Settings of the run that are no parameters of a recipe.
class Reader {
 public:
  Reader(const Recipe& recipe, ParamValues given) : recipe_(recipe), given_(std::move(given)) {
    result_.job.recipe = &recipe;
    result_.job.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    result_.job.checkpoint.every_ms = kCheckpointEveryMs;
    result_.job.trial = result_.job.name = recipe.name;
  }

  void Load(const std::string& path) {
    auto values = ReadConfigFile(recipe_, path);
    if (!values.ok()) return Problem(values.status().message());
    for (auto& [name, value] : *values) given_.insert_or_assign(name, std::move(value));
  }

  void Set(std::string_view argument) {
    const auto equals = argument.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return Problem("'" + std::string(argument) + "' is not of the form key=value");
    }
    const std::string key(argument.substr(0, equals));
    const std::string_view text = argument.substr(equals + 1);
    const Param* param = recipe_.Find(key);
    if (param != nullptr) {
      given_.insert_or_assign(key, ReadValue(*param, text));
    } else if (!SetRun(key, text)) {
      std::vector<std::string> names = {"out", "threads", "device", "data_dir"};
      for (const Param& known : recipe_.params) names.push_back(known.name);
      Problem("recipe " + recipe_.name + " has no parameter '" + key + "'" +
              Suggestion(key, names));
    }
  }

  void Problem(const std::string& text) { problems_ += (problems_.empty() ? "" : "\n") + text; }

  Result<Standalone> Finish() {
    for (const Param& param : recipe_.params) {
      const auto given = given_.find(param.name);
      if (param.role != ParamRole::kPath || given == given_.end()) continue;
      if (auto* paths = std::get_if<std::string>(&given->second)) *paths = MakeAbsolute(*paths);
    }
    auto config = MakeConfig(recipe_, std::move(given_));
    if (!config.ok()) Problem(config.status().message());
    if (!problems_.empty()) return InvalidArgument(problems_);
    result_.job.config = std::move(*config);
    if (result_.job.datasets_dir.empty()) {
      result_.job.datasets_dir = DefaultDatasets(Variable("FUSOR_DATA"), Variable("HOME"));
    }
    if (result_.out.empty()) {
      const std::string hash = Sha256Hex(CanonicalConfig(result_.job.config.values()));
      result_.out = "fusor-runs/" + recipe_.name + "-" + hash.substr(0, 8);
    }
    return std::move(result_);
  }

 private:
  bool SetRun(const std::string& key, std::string_view text) {
    if (key == "out") {
      result_.out = text;
    } else if (key == "data_dir") {
      result_.job.datasets_dir = text;
    } else if (key == "device") {
      if (text != "cpu" && text != "cuda") Problem("device must be cpu or cuda");
      result_.job.device = text;
    } else if (key == "threads") {
      auto number = Parse<int>(text);
      if (!number || *number < 1 || *number > 4096) Problem("threads must be from 1 to 4096");
      result_.job.threads = number.value_or(1);
    } else {
      return false;
    }
    return true;
  }

  const Recipe& recipe_;
  ParamValues given_;
  Standalone result_;
  std::string problems_;
};

}  // namespace

Result<Standalone> ParseArguments(std::span<const char* const> arguments) {
  const std::string_view name = arguments.empty() ? "" : arguments[0];
  const Recipe* recipe = FindRecipe(name);
  if (recipe == nullptr) {
    return InvalidArgument("no recipe '" + std::string(name) + "'" +
                           Suggestion(name, RecipeNames()));
  }
  return ParseSettings(*recipe, {}, arguments.subspan(1));
}

Result<Standalone> ParseSettings(const Recipe& recipe, ParamValues given,
                                 std::span<const char* const> arguments) {
  Reader reader(recipe, std::move(given));
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (argument != "--config") {
      reader.Set(argument);
    } else if (i + 1 < arguments.size()) {
      reader.Load(arguments[++i]);
    } else {
      reader.Problem("--config needs a file");
    }
  }
  return reader.Finish();
}

std::string HelpText() {
  std::string text =
      "fusor-train RECIPE [--config FILE.yaml] [KEY=VALUE...]   train one trial here\n"
      "fusor-train RECIPE --help                                its parameters\n"
      "fusor-train check RECIPE [KEY=VALUE...]                  whether its files are there and "
      "fit\n"
      "fusor-train describe model=NAME [KEY=VALUE...]           a network's layers and size\n"
      "fusor-train evaluate PATH [split=test]                   how good a trained model is\n"
      "fusor-train predict PATH PICTURE...                      what it takes pictures for\n"
      "fusor-train --template                                   for fusor-worker\n"
      "\n"
      "Besides the recipe's parameters:\n"
      "  out=DIR            where checkpoints, models and log.csv go; a run of the same\n"
      "                     configuration that was interrupted there goes on from its checkpoint\n"
      "  threads=N          compute threads (default: all)\n"
      "  device=cpu|cuda    (default cpu)\n"
      "  data_dir=DIR       where the data sets lie (default: FUSOR_DATA, else\n"
      "                     ~/.fusor/datasets)\n"
      "\nRecipes:\n";
  for (const Recipe& recipe : Catalogue()) {
    text += "  " + recipe.name +
            std::string(19 - std::min<std::size_t>(recipe.name.size(), 18), ' ') + recipe.help +
            "\n";
  }
  return text;
}

std::string RecipeHelpText(const Recipe& recipe) {
  std::string text = recipe.name + ": " + recipe.help + "\n\n";
  for (const Param& param : recipe.params) {
    text += "  " + param.name + "=" + DisplayText(param.default_value) + "\n      " +
            Meaning(param) + " (" + Accepts(param) + ")\n";
  }
  return text;
}

}  // namespace fusor
