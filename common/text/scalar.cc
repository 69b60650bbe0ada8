#include "common/text/scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>

namespace fusor {

namespace {

constexpr double kExactIntegerMax = 9007199254740992.0;  // 2^53
constexpr double kDurationMaxMillis = 10.0 * 365 * 24 * 3600 * 1000;

std::string Quoted(std::string_view text) {
  constexpr std::size_t kShownMax = 60;
  if (text.size() <= kShownMax) return "'" + std::string(text) + "'";
  return "'" + std::string(text.substr(0, kShownMax)) + "...'";
}

// The text of a scalar that is to be a number or a bool; quotes make it text.
Result<std::string_view> Plain(const YamlNode& node, std::string_view expected) {
  const std::string wanted(expected);
  if (node.kind != YamlNode::Kind::kScalar) {
    return InvalidArgument("expected " + wanted + ", got " + Describe(node));
  }
  if (!node.tag.empty()) return InvalidArgument("tags (" + node.tag + ") are not read");
  if (node.quoted) {
    return InvalidArgument("expected " + wanted + ", got text in quotes: " + Quoted(node.text));
  }
  return std::string_view(node.text);
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// YAML 1.1 allows 1_000.
std::optional<std::string> WithoutUnderscores(std::string_view text) {
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      digits += text[i];
      continue;
    }
    const bool between =
        i > 0 && IsDigit(text[i - 1]) && i + 1 < text.size() && IsDigit(text[i + 1]);
    if (!between) return std::nullopt;
  }
  return digits;
}

// Decimal, whatever the zeros in front; 0x for hexadecimal. False when it is no such number; an
// absent value means that it has no place in 64 bits.
struct Whole {
  bool is_number = false;
  std::optional<std::int64_t> value;
};

Whole ParseWhole(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  if (text.empty() || text[0] == '-' || text[0] == '+') return {};
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size, base);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument) return {};
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (error != std::errc() || size > kMax) return {.is_number = true, .value = std::nullopt};
  const auto value = static_cast<std::int64_t>(size);
  return {.is_number = true, .value = negative ? -value : value};
}

std::optional<double> ParseReal(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const double sign = negative ? -1.0 : 1.0;
  if (text == ".inf" || text == ".Inf" || text == ".INF") {
    return sign * std::numeric_limits<double>::infinity();
  }
  if (text == ".nan" || text == ".NaN" || text == ".NAN") {
    return std::numeric_limits<double>::quiet_NaN();
  }
  // from_chars would also read "inf" and "nan".
  if (text.empty() || !(IsDigit(text[0]) || text[0] == '.')) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument) return std::nullopt;
  if (error != std::errc()) return sign * std::numeric_limits<double>::infinity();
  return sign * value;
}

struct Unit {
  std::string_view name;
  double millis;
};
constexpr std::array<Unit, 5> kUnits = {
    {{"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}, {"d", 24 * 3600e3}}};

// Takes "1.5h" off the front; the milliseconds, or nothing.
std::optional<double> TakeSpan(std::string_view& text) {
  const auto is_number = [](char c) { return IsDigit(c) || c == '.'; };
  const auto number_end = std::find_if_not(text.begin(), text.end(), is_number);
  const auto unit_end = std::find_if(number_end, text.end(), is_number);
  const std::string_view number(text.begin(), number_end);
  const std::string_view unit(number_end, unit_end);
  const auto found =
      std::find_if(kUnits.begin(), kUnits.end(), [&](const Unit& u) { return u.name == unit; });
  const auto amount = ParseReal(number);
  if (found == kUnits.end() || !amount) return std::nullopt;
  text.remove_prefix(number.size() + unit.size());
  return *amount * found->millis;
}

}  // namespace

std::string Describe(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return node.text.empty() ? "nothing" : node.text;
    case YamlNode::Kind::kScalar:
      return Quoted(node.text);
    case YamlNode::Kind::kSequence:
      return "a list";
    case YamlNode::Kind::kMap:
      break;
  }
  return "a map";
}

Result<bool> ReadBool(const YamlNode& node) {
  const auto text = Plain(node, "true or false");
  if (!text.ok()) return text.status();
  std::string lower(*text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const std::string_view yes : {"true", "yes", "on", "y"}) {
    if (lower == yes) return true;
  }
  for (const std::string_view no : {"false", "no", "off", "n"}) {
    if (lower == no) return false;
  }
  return InvalidArgument(Quoted(*text) + " is not true or false");
}

Result<std::int64_t> ReadInt(const YamlNode& node) {
  const auto text = Plain(node, "an integer");
  if (!text.ok()) return text.status();
  if (const auto digits = WithoutUnderscores(*text)) {
    const Whole whole = ParseWhole(*digits);
    if (whole.value) return *whole.value;
    if (whole.is_number) return InvalidArgument(Quoted(*text) + " does not fit 64 bits");
    const auto real = ParseReal(*digits);
    if (real && *real == std::trunc(*real) && std::abs(*real) <= kExactIntegerMax) {
      return static_cast<std::int64_t>(*real);
    }
  }
  return InvalidArgument(Quoted(*text) + " is not an integer");
}

Result<double> ReadFloat(const YamlNode& node) {
  const auto text = Plain(node, "a number");
  if (!text.ok()) return text.status();
  if (const auto digits = WithoutUnderscores(*text)) {
    const Whole whole = ParseWhole(*digits);
    if (whole.value) return static_cast<double>(*whole.value);
    if (const auto real = ParseReal(*digits)) return *real;
  }
  return InvalidArgument(Quoted(*text) + " is not a number");
}

Result<std::string> ReadText(const YamlNode& node) {
  const bool is_word = node.kind == YamlNode::Kind::kNull && !node.text.empty();
  if (node.kind != YamlNode::Kind::kScalar && !is_word) {
    return InvalidArgument("expected text, got " + Describe(node));
  }
  if (!node.tag.empty()) return InvalidArgument("tags (" + node.tag + ") are not read");
  return node.text;
}

Result<Duration> ReadDuration(const YamlNode& node) {
  const auto read = ReadText(node);
  if (!read.ok()) return InvalidArgument("expected a duration, got " + Describe(node));
  std::string_view text = *read;
  if (text == "0") return Duration(0);
  const Whole bare = ParseWhole(text);
  if (bare.is_number) {
    return InvalidArgument(Quoted(text) + " has no unit; write " + *read + "s, " + *read + "m or " +
                           *read + "h");
  }
  double millis = 0;
  bool good = !text.empty();
  while (good && !text.empty()) {
    const auto span = TakeSpan(text);
    good = span.has_value();
    millis += span.value_or(0);
  }
  if (!good) {
    return InvalidArgument(Quoted(*read) + " is not a duration like 30s, 10m, 8h, 2d or 1h30m");
  }
  if (!(millis <= kDurationMaxMillis)) return InvalidArgument(Quoted(*read) + " is over ten years");
  return Duration(std::llround(millis));
}

Result<double> ReadPercent(const YamlNode& node) {
  const auto text = ReadText(node);
  if (text.ok() && text->ends_with('%')) {
    const auto number = ParseReal(std::string_view(*text).substr(0, text->size() - 1));
    if (number && *number >= 0 && *number <= 100) return *number / 100;
  }
  return InvalidArgument("expected a percentage from 0% to 100%, got " + Describe(node));
}

Result<Value> ReadValue(const Param& param, const YamlNode& node) {
  if (!param.automatic.empty()) {
    const auto text = ReadText(node);
    if (text.ok() && *text == kAuto) return Value(*text);
  }
  Value value;
  Status refusal;
  // One reader per type; the first three differ in nothing but their type.
  const auto take = [&](auto result) {
    if (result.ok()) {
      value = std::move(result).value();
    } else {
      refusal = result.status();
    }
  };
  switch (param.type) {
    case ParamType::kBool:
      take(ReadBool(node));
      break;
    case ParamType::kInt:
      take(ReadInt(node));
      break;
    case ParamType::kFloat:
      take(ReadFloat(node));
      break;
    case ParamType::kText:
    case ParamType::kChoice:
      take(ReadText(node));
      break;
  }
  if (!refusal.ok()) {
    if (param.type == ParamType::kBool) return refusal;
    return InvalidArgument(refusal.message() + "; " + param.name + " is " + Accepts(param));
  }
  RETURN_IF_ERROR(CheckValue(param, value));
  return value;
}

}  // namespace fusor
