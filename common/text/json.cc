#include "common/text/json.h"

namespace fusor {

const Json* Json::Find(std::string_view name) const {
  for (const auto& [member, value] : members) {
    if (member == name) return &value;
  }
  return nullptr;
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
