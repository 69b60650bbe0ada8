#include "common/recipe/recipe.h"

#include <algorithm>
#include <cmath>

#include "common/base/check.h"
#include "common/recipe/suggest.h"

namespace fusor {

namespace {

constexpr std::size_t kTextBytesMax = 4'096;

template <class T>
const T& Get(const ParamValues& values, std::string_view name) {
  const auto found = values.find(name);
  CHECK(found != values.end());
  const T* value = std::get_if<T>(&found->second);
  CHECK(value != nullptr);
  return *value;
}

// Ranges are declared as doubles; whole numbers below 2^63 are shown as integers.
std::string Number(double value, ParamType type) {
  if (type == ParamType::kInt) return DisplayText(static_cast<std::int64_t>(value));
  const std::string text = DisplayText(value);
  return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
}

std::string Range(const Param& param) {
  const bool low = std::isfinite(param.min);
  const bool high = std::isfinite(param.max);
  if (low && high) {
    return " from " + Number(param.min, param.type) + " to " + Number(param.max, param.type);
  }
  if (low) return " of at least " + Number(param.min, param.type);
  if (high) return " of at most " + Number(param.max, param.type);
  return "";
}

bool InRange(const Param& param, const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    if (!param.choices.empty()) {
      return std::find(param.choices.begin(), param.choices.end(), DisplayText(value)) !=
             param.choices.end();
    }
    const auto real = static_cast<double>(*number);
    return real >= param.min && real <= param.max;
  }
  const double real = std::get<double>(value);
  return std::isfinite(real) && real >= param.min && real <= param.max;
}

Status CheckText(const Param& param, const std::string& text) {
  if (text.size() > kTextBytesMax) {
    return InvalidArgument("the text is longer than " + std::to_string(kTextBytesMax) + " bytes");
  }
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::any_of(text.begin(), text.end(), is_control)) {
    return InvalidArgument("the text has control characters");
  }
  if (param.type == ParamType::kChoice &&
      std::find(param.choices.begin(), param.choices.end(), text) == param.choices.end()) {
    return InvalidArgument(NotOneOf(text, param.choices));
  }
  return Ok();
}

std::size_t VariantIndex(ParamType type) {
  switch (type) {
    case ParamType::kBool:
      return 0;
    case ParamType::kInt:
      return 1;
    case ParamType::kFloat:
      return 2;
    case ParamType::kText:
    case ParamType::kChoice:
      break;
  }
  return 3;
}

std::vector<std::string> ParamNames(const Recipe& recipe) {
  std::vector<std::string> names;
  for (const Param& param : recipe.params) names.push_back(param.name);
  return names;
}

std::string AcceptsTyped(const Param& param) {
  switch (param.type) {
    case ParamType::kBool:
      return "true or false";
    case ParamType::kInt:
      if (!param.choices.empty()) return "one of " + JoinNames(param.choices);
      return "an integer" + Range(param);
    case ParamType::kFloat:
      return "a number" + Range(param);
    case ParamType::kText:
      return "text";
    case ParamType::kChoice:
      break;
  }
  return "one of " + JoinNames(param.choices);
}

// Replaces integers that stand for floats. Returns the problem with the value, if any.
Status Settle(const Param& param, Value& value) {
  const auto* whole = std::get_if<std::int64_t>(&value);
  if (param.type == ParamType::kFloat && whole != nullptr) value = static_cast<double>(*whole);
  return CheckValue(param, value);
}

}  // namespace

std::string_view TypeName(ParamType type) {
  switch (type) {
    case ParamType::kBool:
      return "bool";
    case ParamType::kInt:
      return "int";
    case ParamType::kFloat:
      return "float";
    case ParamType::kText:
      return "text";
    case ParamType::kChoice:
      break;
  }
  return "choice";
}

std::string Accepts(const Param& param) {
  const std::string typed = AcceptsTyped(param);
  return param.automatic.empty() ? typed : typed + ", or auto";
}

std::string Meaning(const Param& param) {
  return param.automatic.empty() ? param.help : param.help + "; auto: " + param.automatic;
}

const Param* Recipe::Find(std::string_view param_name) const {
  for (const Param& param : params) {
    if (param.name == param_name) return &param;
  }
  return nullptr;
}

bool IsAuto(const Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text != nullptr && *text == kAuto;
}

Status CheckValue(const Param& param, const Value& value) {
  if (!param.automatic.empty() && IsAuto(value)) return Ok();
  if (value.index() != VariantIndex(param.type)) {
    return InvalidArgument(CanonicalJson(value) + " is not " + Accepts(param));
  }
  if (const auto* text = std::get_if<std::string>(&value)) return CheckText(param, *text);
  if (std::holds_alternative<bool>(value) || InRange(param, value)) return Ok();
  return InvalidArgument(DisplayText(value) + " is not " + Accepts(param));
}

std::string CanonicalConfig(const ParamValues& values) {
  std::string json = "{";
  for (const auto& [name, value] : values) {
    if (json.size() > 1) json += ',';
    json += JsonQuote(name);
    json += ':';
    json += CanonicalJson(value);
  }
  json += '}';
  return json;
}

bool Config::Bool(std::string_view name) const { return Get<bool>(values_, name); }
std::int64_t Config::Int(std::string_view name) const { return Get<std::int64_t>(values_, name); }
double Config::Float(std::string_view name) const { return Get<double>(values_, name); }
const std::string& Config::Text(std::string_view name) const {
  return Get<std::string>(values_, name);
}

bool Config::Has(std::string_view name) const {
  const auto found = values_.find(name);
  return found != values_.end() && !IsAuto(found->second);
}

Result<Config> MakeConfig(const Recipe& recipe, ParamValues given) {
  std::string problems;
  const auto add = [&](const std::string& name, const std::string& message) {
    if (!problems.empty()) problems += '\n';
    problems += name + ": " + message;
  };
  for (auto& [name, value] : given) {
    const Param* param = recipe.Find(name);
    if (param == nullptr) {
      add(name, "recipe " + recipe.name + " has no such parameter" +
                    Suggestion(name, ParamNames(recipe)));
      continue;
    }
    const Status status = Settle(*param, value);
    if (!status.ok()) add(name, status.message());
  }
  for (const Param& param : recipe.params) given.try_emplace(param.name, param.default_value);
  if (problems.empty()) {
    for (const Rule& rule : recipe.rules) {
      const Status status = rule.check(given);
      if (!status.ok()) add(JoinNames(rule.reads), status.message());
    }
  }
  if (!problems.empty()) return InvalidArgument(std::move(problems));
  if (recipe.settle != nullptr) recipe.settle(given);
  return Config(std::move(given));
}

}  // namespace fusor
