#pragma once

// JSON in and out.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/recipe/recipe.h"

namespace fusor {

// A parsed document. Members keep the order of the text.
struct Json {
  enum class Kind : std::uint8_t { kNull, kBool, kInt, kFloat, kText, kArray, kObject };

  Kind kind = Kind::kNull;
  bool flag = false;
  std::int64_t integer = 0;
  double real = 0;  // also set when kind is kInt
  std::string text;
  struct Member;
  std::vector<Json> items;
  std::vector<Member> members;

  // The member, or nullptr; nullptr also when this is no object.
  const Json* Find(std::string_view name) const;
};

struct Json::Member {
  std::string name;
  Json value;
};

// The whole text is one document. Refuses duplicate keys, nesting deeper than 64 and anything after
// the document. Integers beyond 64 bits become floats.
Result<Json> ParseJson(std::string_view text);

// A flat object of values, as CanonicalConfig writes it. Its non-finite floats come back as text.
Result<ParamValues> ParseFlatObject(std::string_view text);

// Writes JSON without spaces, commas by itself. Floats as CanonicalJson.
class JsonWriter {
 public:
  JsonWriter& BeginObject() { return Open('{'); }
  JsonWriter& EndObject() { return Close('}'); }
  JsonWriter& BeginArray() { return Open('['); }
  JsonWriter& EndArray() { return Close(']'); }
  // The next write is the member's value.
  JsonWriter& Key(std::string_view name);

  JsonWriter& Text(std::string_view text);
  JsonWriter& Int(std::int64_t number);
  JsonWriter& Float(double number);
  JsonWriter& Bool(bool flag);
  JsonWriter& Null();
  JsonWriter& Write(const Value& value);
  // A piece that is JSON already.
  JsonWriter& Raw(std::string_view json);

  const std::string& text() const { return out_; }
  std::string Take() { return std::move(out_); }

 private:
  JsonWriter& Open(char bracket);
  JsonWriter& Close(char bracket);
  void Separate();

  std::string out_;
  bool comma_ = false;  // the next element needs one before it
};

}  // namespace fusor
