#pragma once

// A parameter's value, and its one canonical text. Canonical texts are compared, hashed and stored.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace fusor {

using Value = std::variant<bool, std::int64_t, double, std::string>;

// The value as JSON: shortest round-trip form for numbers, a float always with '.', 'e' or a
// non-finite name in quotes ("nan", "inf", "-inf"), text escaped.
std::string CanonicalJson(const Value& value);

// The value as people read it: like CanonicalJson, text without quotes.
std::string DisplayText(const Value& value);

// How many bytes at the beginning of `text` are well-formed UTF-8; all of them for proper text.
std::size_t ValidUtf8Bytes(std::string_view text);

// `text` as a JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD.
std::string JsonQuote(std::string_view text);

}  // namespace fusor
