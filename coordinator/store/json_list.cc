#include "coordinator/store/json_list.h"

#include <charconv>
#include <optional>

#include "common/recipe/value.h"

namespace fusor {

namespace {

Status Malformed(std::string_view json) {
  return DataLoss("state.db holds a malformed list: " + std::string(json.substr(0, 80)));
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// What JsonQuote escapes: single letters, and control characters as \u00XX.
std::optional<char> Unescape(std::string_view& rest) {
  if (rest.empty()) return std::nullopt;
  const char letter = rest.front();
  rest.remove_prefix(1);
  switch (letter) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case '"':
    case '\\':
    case '/':
      return letter;
    case 'u':
      break;
    default:
      return std::nullopt;
  }
  if (rest.size() < 4 || rest.substr(0, 2) != "00") return std::nullopt;
  const int high = HexDigit(rest[2]);
  const int low = HexDigit(rest[3]);
  if (high < 0 || high > 7 || low < 0) return std::nullopt;
  rest.remove_prefix(4);
  return static_cast<char>(high * 16 + low);
}

// The text behind an opening quote, up to and with the closing one.
std::optional<std::string> QuotedText(std::string_view& rest) {
  std::string text;
  while (!rest.empty()) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c == '"') return text;
    if (c != '\\') {
      text += c;
      continue;
    }
    const std::optional<char> plain = Unescape(rest);
    if (!plain) return std::nullopt;
    text += *plain;
  }
  return std::nullopt;
}

// Walks over what stands between the two brackets.
class Inside {
 public:
  Inside(std::string_view json, char open, char close) : rest_(json) {
    ok_ = json.size() >= 2 && json.front() == open && json.back() == close;
    if (ok_) rest_ = json.substr(1, json.size() - 2);
  }

  bool ok() const { return ok_; }
  // Is there another element? All but the first stand behind a comma.
  bool More(bool is_first) {
    if (!ok_ || rest_.empty()) return false;
    if (!is_first) ok_ = Take(',');
    return ok_;
  }
  bool Take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::optional<std::string> Text() {
    if (!Take('"')) return std::nullopt;
    return QuotedText(rest_);
  }

 private:
  std::string_view rest_;
  bool ok_ = false;
};

}  // namespace

std::string ToJson(std::span<const std::string> texts) {
  std::string json = "[";
  for (const std::string& text : texts) {
    if (json.size() > 1) json += ',';
    json += JsonQuote(text);
  }
  return json + "]";
}

std::string ToJson(std::span<const std::int64_t> numbers) {
  std::string json = "[";
  for (const std::int64_t number : numbers) {
    if (json.size() > 1) json += ',';
    json += std::to_string(number);
  }
  return json + "]";
}

std::string ToJson(const std::map<std::string, std::string>& pairs) {
  std::string json = "{";
  for (const auto& [key, value] : pairs) {
    if (json.size() > 1) json += ',';
    json += JsonQuote(key) + ":" + JsonQuote(value);
  }
  return json + "}";
}

Result<std::vector<std::string>> TextsFromJson(std::string_view json) {
  std::vector<std::string> texts;
  Inside inside(json, '[', ']');
  while (inside.More(texts.empty())) {
    std::optional<std::string> text = inside.Text();
    if (!text) return Malformed(json);
    texts.push_back(std::move(*text));
  }
  if (!inside.ok()) return Malformed(json);
  return texts;
}

Result<std::map<std::string, std::string>> PairsFromJson(std::string_view json) {
  std::map<std::string, std::string> pairs;
  Inside inside(json, '{', '}');
  while (inside.More(pairs.empty())) {
    std::optional<std::string> key = inside.Text();
    if (!key || !inside.Take(':')) return Malformed(json);
    std::optional<std::string> value = inside.Text();
    if (!value) return Malformed(json);
    pairs.insert_or_assign(std::move(*key), std::move(*value));
  }
  if (!inside.ok()) return Malformed(json);
  return pairs;
}

Result<std::vector<std::int64_t>> NumbersFromJson(std::string_view json) {
  std::vector<std::int64_t> numbers;
  const char* at = json.data();
  const char* const end = at + json.size();
  while (at != end) {
    if (*at == '[' || *at == ']' || *at == ',') {
      ++at;
      continue;
    }
    std::int64_t number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc()) return Malformed(json);
    numbers.push_back(number);
    at = next;
  }
  return numbers;
}

}  // namespace fusor
