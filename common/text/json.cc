#include "common/text/json.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>

namespace fusor {

namespace {

constexpr std::size_t kDepthMax = 64;
// An object with more members keeps their names at hand: a model file's header has very many.
constexpr std::size_t kMembersSearched = 16;

// Builds the tree from the parser's events; every event returns false to stop.
class Builder {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  Json TakeRoot() { return std::move(root_); }
  const std::string& problem() const { return problem_; }

  bool null() { return Add({}); }
  bool boolean(bool flag) { return Add({.kind = Json::Kind::kBool, .flag = flag}); }
  bool number_integer(number_integer_t number) {
    return Add({.kind = Json::Kind::kInt, .integer = number, .real = static_cast<double>(number)});
  }
  bool number_unsigned(number_unsigned_t number) {
    if (number > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) {
      return number_float(static_cast<double>(number), "");
    }
    return number_integer(static_cast<std::int64_t>(number));
  }
  bool number_float(number_float_t number, const string_t&) {
    return Add({.kind = Json::Kind::kFloat, .real = number});
  }
  bool string(string_t& text) { return Add({.kind = Json::Kind::kText, .text = std::move(text)}); }
  bool binary(binary_t&) { return Fail("binary data"); }
  bool start_object(std::size_t) { return Push({.kind = Json::Kind::kObject}); }
  bool start_array(std::size_t) { return Push({.kind = Json::Kind::kArray}); }
  bool end_object() { return Pop(); }
  bool end_array() { return Pop(); }
  bool key(string_t& name) {
    Open& object = open_.back();
    if (!object.IsNew(name)) return Fail("duplicate key " + JsonQuote(name));
    object.value.members.push_back({std::move(name), Json{}});
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) {
    return Fail("not JSON at byte " + std::to_string(position));
  }

 private:
  struct Open {
    Json value;
    std::unordered_set<std::string> names;  // once there are many

    bool IsNew(const std::string& name) {
      if (value.members.size() < kMembersSearched) return value.Find(name) == nullptr;
      if (names.empty()) {
        for (const Json::Member& member : value.members) names.insert(member.name);
      }
      return names.insert(name).second;
    }
  };

  bool Fail(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }
  bool Push(Json opened) {
    if (open_.size() >= kDepthMax) return Fail("nested too deeply");
    open_.push_back({std::move(opened), {}});
    return true;
  }
  bool Pop() {
    Json closed = std::move(open_.back().value);
    open_.pop_back();
    return Add(std::move(closed));
  }
  bool Add(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (Json& container = open_.back().value; container.kind == Json::Kind::kArray) {
      container.items.push_back(std::move(value));
    } else {
      container.members.back().value = std::move(value);
    }
    return true;
  }

  Json root_;
  std::vector<Open> open_;
  std::string problem_;
};

}  // namespace

const Json* Json::Find(std::string_view name) const {
  for (const auto& [member, value] : members) {
    if (member == name) return &value;
  }
  return nullptr;
}

Result<Json> ParseJson(std::string_view text) {
  Builder builder;
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) {
    return InvalidArgument(builder.problem());
  }
  return builder.TakeRoot();
}

Result<ParamValues> ParseFlatObject(std::string_view text) {
  Result<Json> parsed = ParseJson(text);
  if (!parsed.ok()) return parsed.status();
  if (parsed->kind != Json::Kind::kObject) return InvalidArgument("not a JSON object");
  ParamValues values;
  for (auto& [name, member] : parsed->members) {
    switch (member.kind) {
      case Json::Kind::kBool:
        values[name] = member.flag;
        break;
      case Json::Kind::kInt:
        values[name] = member.integer;
        break;
      case Json::Kind::kFloat:
        values[name] = member.real;
        break;
      case Json::Kind::kText:
        values[name] = std::move(member.text);
        break;
      case Json::Kind::kNull:
      case Json::Kind::kArray:
      case Json::Kind::kObject:
        return InvalidArgument(name + " is neither a number, a text nor a bool");
    }
  }
  return values;
}

JsonWriter& JsonWriter::Open(char bracket) {
  Separate();
  out_ += bracket;
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::Close(char bracket) {
  out_ += bracket;
  comma_ = true;
  return *this;
}

void JsonWriter::Separate() {
  if (comma_) out_ += ',';
  comma_ = true;
}

JsonWriter& JsonWriter::Key(std::string_view name) {
  Separate();
  out_ += JsonQuote(name);
  out_ += ':';
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::Raw(std::string_view json) {
  Separate();
  out_ += json;
  return *this;
}

JsonWriter& JsonWriter::Text(std::string_view text) { return Raw(JsonQuote(text)); }
JsonWriter& JsonWriter::Int(std::int64_t number) { return Raw(std::to_string(number)); }
JsonWriter& JsonWriter::Float(double number) { return Raw(CanonicalJson(number)); }
JsonWriter& JsonWriter::Bool(bool flag) { return Raw(flag ? "true" : "false"); }
JsonWriter& JsonWriter::Null() { return Raw("null"); }
JsonWriter& JsonWriter::Write(const Value& value) { return Raw(CanonicalJson(value)); }

}  // namespace fusor
