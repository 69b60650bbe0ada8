#pragma once

// A JSON value that is built and printed, never parsed. Objects keep the order in which members
// were set, so that output is the same every time and reads as documented in docs/cli.md.

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fusor::client {

class Json {
 public:
  Json() = default;               // null
  Json(bool value);               // NOLINT: plain values are JSON
  Json(double value);             // NOLINT
  Json(std::string_view value);   // NOLINT
  Json(const std::string& value)  // NOLINT
      : Json(std::string_view(value)) {}
  Json(const char* value) : Json(std::string_view(value)) {}  // NOLINT
  template <std::integral T>
  requires(!std::same_as<T, bool>) Json(T value) : plain_(std::to_string(value)) {}  // NOLINT

  static Json Object();
  static Json Array();
  // An array of texts.
  static Json Texts(const std::vector<std::string>& texts);

  // Makes this an object if it is none; an earlier member of that name is replaced.
  Json& Set(std::string_view key, Json value);
  // The member of that name, made null if there was none. Makes this an object if it is none.
  Json& At(std::string_view key);
  // Makes this an array if it is none.
  Json& Add(Json value);

  // The value as a CSV field before quoting: texts bare, null empty, anything nested as JSON.
  std::string CsvText() const;

  // On one line.
  std::string Line() const;
  // Indented by two spaces; what fits on a line stays on one.
  std::string Pretty() const;

 private:
  enum class Kind : std::uint8_t { kPlain, kText, kArray, kObject };

  void Become(Kind kind);
  void Print(std::string& out, std::size_t depth) const;

  Kind kind_ = Kind::kPlain;
  std::string plain_ = "null";     // kPlain: as JSON; kText: the text itself
  std::vector<std::string> keys_;  // kObject: of `values_`, one each
  std::vector<Json> values_;
};

}  // namespace fusor::client
