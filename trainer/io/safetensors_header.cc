#include "trainer/io/safetensors_header.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "common/base/check.h"
#include "common/recipe/value.h"

namespace fusor {
namespace {

using nlohmann::json;

struct TypeRow {
  TensorType type;
  std::string_view name;
  std::uint64_t bytes;
};

constexpr std::array<TypeRow, 15> kTypes = {{
    {TensorType::kBool, "BOOL", 1},
    {TensorType::kU8, "U8", 1},
    {TensorType::kI8, "I8", 1},
    {TensorType::kF8E5M2, "F8_E5M2", 1},
    {TensorType::kF8E4M3, "F8_E4M3", 1},
    {TensorType::kI16, "I16", 2},
    {TensorType::kU16, "U16", 2},
    {TensorType::kF16, "F16", 2},
    {TensorType::kBF16, "BF16", 2},
    {TensorType::kI32, "I32", 4},
    {TensorType::kU32, "U32", 4},
    {TensorType::kF32, "F32", 4},
    {TensorType::kI64, "I64", 8},
    {TensorType::kU64, "U64", 8},
    {TensorType::kF64, "F64", 8},
}};

const TypeRow& Row(TensorType type) {
  auto row = std::find_if(kTypes.begin(), kTypes.end(), [&](auto& r) { return r.type == type; });
  CHECK(row != kTypes.end());
  return *row;
}

std::optional<TensorType> TypeFromName(std::string_view name) {
  for (const TypeRow& row : kTypes) {
    if (row.name == name) return row.type;
  }
  return std::nullopt;
}

// A JSON reader keeps the last of two equal keys; the format forbids the second.
json ParseUnique(std::string_view text, bool& duplicate) {
  std::vector<std::set<std::string>> open;
  auto watch = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) open.emplace_back();
    if (event == json::parse_event_t::object_end) open.pop_back();
    if (event == json::parse_event_t::key) {
      duplicate = duplicate || !open.back().insert(parsed.get<std::string>()).second;
    }
    return true;
  };
  return json::parse(text, watch, /*allow_exceptions=*/false);
}

Status ReadMetadata(const json& object, SafetensorsHeader& header) {
  if (!object.is_object()) return DataLoss("__metadata__ is not an object");
  for (const auto& [key, value] : object.items()) {
    if (!value.is_string()) return DataLoss("__metadata__." + key + " is not text");
    header.metadata[key] = value.get<std::string>();
  }
  return Ok();
}

Result<TensorEntry> ReadEntry(const std::string& name, const json& object) {
  auto wrong = [&](const std::string& what) { return DataLoss("tensor '" + name + "': " + what); };
  if (!object.is_object() || object.size() != 3 || !object.contains("dtype") ||
      !object.contains("shape") || !object.contains("data_offsets")) {
    return wrong("needs exactly dtype, shape and data_offsets");
  }
  TensorEntry entry;
  entry.name = name;
  const json& dtype = object["dtype"];
  if (!dtype.is_string()) return wrong("dtype is not text");
  auto type = TypeFromName(dtype.get_ref<const std::string&>());
  if (!type) return wrong("unknown dtype " + dtype.get<std::string>());
  entry.type = *type;
  std::uint64_t bytes = TensorTypeBytes(*type);
  if (!object["shape"].is_array()) return wrong("shape is not a list");
  for (const json& size : object["shape"]) {
    if (!size.is_number_unsigned()) return wrong("shape has something that is no size");
    auto extent = size.get<std::uint64_t>();
    constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
    if (extent > kMax || (extent != 0 && bytes > kMax / extent)) return wrong("shape is too large");
    bytes *= extent;
    entry.shape.push_back(static_cast<std::int64_t>(extent));
  }
  const json& offsets = object["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned()) {
    return wrong("data_offsets are not two positions");
  }
  entry.begin = offsets[0].get<std::uint64_t>();
  entry.end = offsets[1].get<std::uint64_t>();
  if (entry.end < entry.begin || entry.end - entry.begin != bytes) {
    return wrong("data_offsets [" + std::to_string(entry.begin) + ", " + std::to_string(entry.end) +
                 ") do not hold " + std::to_string(bytes) + " bytes");
  }
  return entry;
}

}  // namespace

std::string_view TensorTypeName(TensorType type) { return Row(type).name; }
std::uint64_t TensorTypeBytes(TensorType type) { return Row(type).bytes; }

Result<SafetensorsHeader> ParseSafetensorsHeader(std::string_view text, std::uint64_t data_bytes) {
  if (text.empty() || text[0] != '{') return DataLoss("the header does not start with '{'");
  bool duplicate = false;
  json object = ParseUnique(text, duplicate);
  if (!object.is_object()) return DataLoss("the header is not a JSON object");
  if (duplicate) return DataLoss("the header names a key twice");
  SafetensorsHeader header;
  for (const auto& [name, value] : object.items()) {
    if (name == "__metadata__") {
      RETURN_IF_ERROR(ReadMetadata(value, header));
      continue;
    }
    auto entry = ReadEntry(name, value);
    if (!entry.ok()) return entry.status();
    header.tensors.push_back(std::move(*entry));
  }
  std::sort(header.tensors.begin(), header.tensors.end(), [](const auto& a, const auto& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  std::uint64_t next = 0;
  for (const TensorEntry& entry : header.tensors) {
    if (entry.begin != next) {
      return DataLoss("tensor '" + entry.name + "' starts at " + std::to_string(entry.begin) +
                      ", expected " + std::to_string(next) + ": a hole or an overlap");
    }
    next = entry.end;
  }
  if (next != data_bytes) {
    return DataLoss("the tensors take " + std::to_string(next) + " bytes, the file has " +
                    std::to_string(data_bytes));
  }
  return header;
}

std::string FormatSafetensorsHeader(const SafetensorsHeader& header) {
  std::string text = "{";
  if (!header.metadata.empty()) {
    text += "\"__metadata__\":{";
    bool first = true;
    for (const auto& [key, value] : header.metadata) {
      if (!first) text += ',';
      first = false;
      text += JsonQuote(key) + ':' + JsonQuote(value);
    }
    text += '}';
  }
  for (const TensorEntry& entry : header.tensors) {
    if (text.size() > 1) text += ',';
    text += JsonQuote(entry.name) + ":{\"dtype\":\"";
    text += TensorTypeName(entry.type);
    text += "\",\"shape\":[";
    for (std::size_t i = 0; i < entry.shape.size(); ++i) {
      if (i > 0) text += ',';
      text += std::to_string(entry.shape[i]);
    }
    text += "],\"data_offsets\":[" + std::to_string(entry.begin) + "," + std::to_string(entry.end) +
            "]}";
  }
  text += '}';
  text.append((8 - text.size() % 8) % 8, ' ');
  std::string out(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) {
    out[i] = static_cast<char>(static_cast<std::uint64_t>(text.size()) >> (8 * i) & 0xff);
  }
  return out + text;
}

}  // namespace fusor
