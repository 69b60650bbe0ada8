#include "client/format/json.h"

#include <algorithm>
#include <utility>

#include "common/recipe/value.h"

namespace fusor::client {

namespace {

constexpr std::size_t kShortBytes = 88;  // longer arrays and objects get a line per element

}  // namespace

Json::Json(bool value) : plain_(value ? "true" : "false") {}
Json::Json(double value) : plain_(CanonicalJson(Value(value))) {}
Json::Json(std::string_view value) : kind_(Kind::kText), plain_(value) {}

Json Json::Object() {
  Json json;
  json.kind_ = Kind::kObject;
  return json;
}

Json Json::Array() {
  Json json;
  json.kind_ = Kind::kArray;
  return json;
}

Json Json::Texts(const std::vector<std::string>& texts) {
  Json json = Array();
  for (const std::string& text : texts) json.Add(text);
  return json;
}

void Json::Become(Kind kind) {
  if (kind_ == kind) return;
  kind_ = kind;
  plain_.clear();
  keys_.clear();
  values_.clear();
}

Json& Json::Set(std::string_view key, Json value) {
  At(key) = std::move(value);
  return *this;
}

Json& Json::At(std::string_view key) {
  Become(Kind::kObject);
  const auto at = std::find(keys_.begin(), keys_.end(), key);
  if (at != keys_.end()) return values_[static_cast<std::size_t>(at - keys_.begin())];
  keys_.emplace_back(key);
  return values_.emplace_back();
}

Json& Json::Add(Json value) {
  Become(Kind::kArray);
  values_.push_back(std::move(value));
  return *this;
}

std::string Json::CsvText() const {
  if (kind_ == Kind::kText) return plain_;
  const std::string line = Line();
  if (line == "null") return "";
  // Non-finite numbers are quoted in JSON only.
  const bool is_quoted = kind_ == Kind::kPlain && line.size() > 2 && line.front() == '"';
  return is_quoted ? line.substr(1, line.size() - 2) : line;
}

std::string Json::Line() const {
  if (kind_ == Kind::kPlain) return plain_;
  if (kind_ == Kind::kText) return JsonQuote(plain_);
  std::string out;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (i > 0) out += ", ";
    if (kind_ == Kind::kObject) out += JsonQuote(keys_[i]) + ": ";
    out += values_[i].Line();
  }
  return kind_ == Kind::kObject ? "{" + out + "}" : "[" + out + "]";
}

void Json::Print(std::string& out, std::size_t depth) const {
  const std::string line = Line();
  const bool nested = kind_ == Kind::kObject || kind_ == Kind::kArray;
  if (!nested || values_.empty() || (depth > 0 && line.size() <= kShortBytes)) {
    out += line;
    return;
  }
  out += kind_ == Kind::kObject ? "{" : "[";
  for (std::size_t i = 0; i < values_.size(); ++i) {
    out += (i == 0 ? "\n" : ",\n") + std::string(2 * depth + 2, ' ');
    if (kind_ == Kind::kObject) out += JsonQuote(keys_[i]) + ": ";
    values_[i].Print(out, depth + 1);
  }
  out += "\n" + std::string(2 * depth, ' ') + (kind_ == Kind::kObject ? "}" : "]");
}

std::string Json::Pretty() const {
  std::string out;
  Print(out, 0);
  return out;
}

}  // namespace fusor::client
