#include "coordinator/spec/filter.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>
#include <utility>

#include "common/recipe/suggest.h"

namespace fusor {

namespace {

using Operator = Filter::Operator;

// Longer ones first: "<=" is not "<".
constexpr std::array<std::pair<std::string_view, Operator>, 7> kOperators = {
    {{"==", Operator::kEqual},
     {"!=", Operator::kNotEqual},
     {"<=", Operator::kLessOrEqual},
     {">=", Operator::kGreaterOrEqual},
     {"=", Operator::kEqual},
     {"<", Operator::kLess},
     {">", Operator::kGreater}}};

constexpr std::size_t kTermsMax = 32;

bool IsOrdering(Operator op) { return op != Operator::kEqual && op != Operator::kNotEqual; }

// Any order of numbers and texts; NaN is unequal to everything.
template <class T>
bool Compare(Operator op, const T& a, const T& b) {
  switch (op) {
    case Operator::kEqual:
      return a == b;
    case Operator::kNotEqual:
      return a != b;
    case Operator::kLess:
      return a < b;
    case Operator::kLessOrEqual:
      return a <= b;
    case Operator::kGreater:
      return a > b;
    case Operator::kGreaterOrEqual:
      break;
  }
  return a >= b;
}

std::optional<double> NumberIn(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<bool> BoolIn(std::string_view text) {
  if (text == "true" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "no" || text == "off") return false;
  return std::nullopt;
}

// Reads terms off the front of the text.
class FilterParser {
 public:
  explicit FilterParser(std::string_view text) : rest_(text) {}

  Result<Filter> Parse() {
    Filter filter;
    SkipSpace();
    while (!rest_.empty()) {
      if (filter.terms.size() >= kTermsMax) return InvalidArgument("too many conditions");
      Filter::Term term;
      RETURN_IF_ERROR(ParseTerm(term));
      filter.terms.push_back(std::move(term));
      if (rest_.empty()) break;
      if (!Take("&&") && !Take(",")) return Refuse("expected && between conditions");
      SkipSpace();
      if (rest_.empty()) return Refuse("expected a condition after the last &&");
    }
    return filter;
  }

 private:
  Status ParseTerm(Filter::Term& term) {
    const std::size_t name_end = std::min(rest_.find_first_of("=!<>&, \t"), rest_.size());
    term.name = rest_.substr(0, name_end);
    if (term.name.empty()) return Refuse("expected NAME=VALUE");
    rest_.remove_prefix(name_end);
    SkipSpace();
    const auto op = std::find_if(kOperators.begin(), kOperators.end(),
                                 [&](const auto& entry) { return Take(entry.first); });
    if (op == kOperators.end()) {
      return Refuse("expected one of = != < <= > >= after " + term.name);
    }
    term.op = op->second;
    SkipSpace();
    RETURN_IF_ERROR(ParseValue(term));
    SkipSpace();
    return Ok();
  }

  Status ParseValue(Filter::Term& term) {
    if (Take("\"")) {
      const std::size_t end = rest_.find('"');
      if (end == std::string_view::npos) return Refuse("a quote is not closed");
      term.text = rest_.substr(0, end);
      rest_.remove_prefix(end + 1);
      return Ok();
    }
    const std::size_t end = std::min({rest_.find("&&"), rest_.find(','), rest_.size()});
    std::string_view value = rest_.substr(0, end);
    while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
    if (value.empty() || value.find_first_of("=<>!\"") != std::string_view::npos) {
      return Refuse("expected a value after " + term.name);
    }
    term.text = value;
    term.number = NumberIn(value);
    rest_.remove_prefix(end);
    return Ok();
  }

  bool Take(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  void SkipSpace() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t')) rest_.remove_prefix(1);
  }
  Status Refuse(const std::string& message) const {
    const std::string at = rest_.empty() ? "the end" : "'" + std::string(rest_.substr(0, 40)) + "'";
    return InvalidArgument(message + ", at " + at);
  }

  std::string_view rest_;
};

// The values that the name can have in the stage: an axis' or the one parameter's.
std::vector<Value> ValuesOf(const StageSpec& stage, const std::string& name) {
  for (const Axis& axis : stage.axes) {
    if (axis.name == name) return axis.values;
  }
  const auto fixed = stage.params.find(name);
  if (fixed == stage.params.end()) return {};
  return {fixed->second};
}

}  // namespace

Result<Filter> ParseFilter(std::string_view text) { return FilterParser(text).Parse(); }

bool Satisfies(const Filter::Term& term, const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    return !IsOrdering(term.op) && Compare<std::string_view>(term.op, *text, term.text);
  }
  if (const auto* flag = std::get_if<bool>(&value)) {
    const auto wanted = BoolIn(term.text);
    return wanted && !IsOrdering(term.op) && Compare(term.op, *flag, *wanted);
  }
  if (!term.number) return term.op == Operator::kNotEqual;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    return Compare(term.op, static_cast<double>(*whole), *term.number);
  }
  return Compare(term.op, std::get<double>(value), *term.number);
}

Status CheckFilter(const Filter& filter, const SweepSpec& sweep) {
  std::set<std::string> names;
  for (const StageSpec& stage : sweep.stages) {
    for (const Axis& axis : stage.axes) names.insert(axis.name);
    for (const auto& [name, value] : stage.params) names.insert(name);
  }
  for (const Filter::Term& term : filter.terms) {
    if (!names.contains(term.name)) {
      return InvalidArgument("the trials have no '" + term.name + "'" +
                             Suggestion(term.name, {names.begin(), names.end()}));
    }
    for (const StageSpec& stage : sweep.stages) {
      const std::vector<Value> values = ValuesOf(stage, term.name);
      if (values.empty() || !IsOrdering(term.op)) continue;
      const bool is_number = std::holds_alternative<double>(values[0]) ||
                             std::holds_alternative<std::int64_t>(values[0]);
      if (!is_number) return InvalidArgument("'" + term.name + "' has no order; use = or !=");
      if (!term.number) return InvalidArgument("'" + term.text + "' is not a number");
    }
  }
  return Ok();
}

CellFilter::CellFilter(const Filter& filter, const Grid& grid) : grid_(grid) {
  const StageSpec& stage = grid.stage();
  for (const Filter::Term& term : filter.terms) {
    const auto fixed = stage.params.find(term.name);
    if (fixed != stage.params.end()) {
      nothing_ = nothing_ || !Satisfies(term, fixed->second);
      continue;
    }
    const auto axis = std::find_if(stage.axes.begin(), stage.axes.end(),
                                   [&](const Axis& other) { return other.name == term.name; });
    if (axis == stage.axes.end()) {
      nothing_ = true;
      continue;
    }
    AxisTerm ready{.axis = static_cast<std::size_t>(axis - stage.axes.begin()), .passes = {}};
    for (const Value& value : axis->values) ready.passes.push_back(Satisfies(term, value));
    terms_.push_back(std::move(ready));
  }
}

bool CellFilter::Matches(std::uint64_t cell) const {
  return !nothing_ && std::all_of(terms_.begin(), terms_.end(), [&](const AxisTerm& term) {
    return term.passes[grid_.ValueIndex(cell, term.axis)];
  });
}

}  // namespace fusor
