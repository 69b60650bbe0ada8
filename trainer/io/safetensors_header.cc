#include "trainer/io/safetensors_header.h"

#include <algorithm>
#include <tuple>

#include "common/base/limits.h"
#include "common/recipe/value.h"
#include "common/text/json.h"

namespace fusor {
namespace {

constexpr std::size_t kValuesPerTensor = 16;

Status ReadMetadata(const Json& object, SafetensorsHeader& header) {
  if (object.kind != Json::Kind::kObject) return DataLoss("__metadata__ is not an object");
  for (const auto& [key, value] : object.members) {
    if (value.kind != Json::Kind::kText) return DataLoss("__metadata__." + key + " is not text");
    header.metadata[key] = value.text;
  }
  return Ok();
}

bool IsSize(const Json& value) { return value.kind == Json::Kind::kInt && value.integer >= 0; }

Result<TensorEntry> ReadEntry(const std::string& name, const Json& object) {
  auto wrong = [&](const std::string& what) { return DataLoss("tensor '" + name + "': " + what); };
  const Json* dtype = object.Find("dtype");
  const Json* shape = object.Find("shape");
  const Json* offsets = object.Find("data_offsets");
  if (dtype == nullptr || shape == nullptr || offsets == nullptr || object.members.size() != 3) {
    return wrong("needs exactly dtype, shape and data_offsets");
  }
  TensorEntry entry;
  entry.name = name;
  auto type = TensorTypeFromName(dtype->text);
  if (!type) return wrong("a dtype that this program does not know: " + dtype->text);
  entry.type = *type;
  if (shape->kind != Json::Kind::kArray) return wrong("shape is not a list");
  for (const Json& extent : shape->items) {
    if (!IsSize(extent)) return wrong("shape has something that is no size");
    entry.shape.push_back(extent.integer);
  }
  const auto bytes = TensorBytes(*type, entry.shape);
  if (!bytes) return wrong("shape is too large");
  if (offsets->items.size() != 2 || !IsSize(offsets->items[0]) || !IsSize(offsets->items[1])) {
    return wrong("data_offsets are not two positions");
  }
  entry.begin = static_cast<std::uint64_t>(offsets->items[0].integer);
  entry.end = static_cast<std::uint64_t>(offsets->items[1].integer);
  if (entry.end < entry.begin || entry.end - entry.begin != *bytes) {
    return wrong("data_offsets [" + std::to_string(entry.begin) + ", " + std::to_string(entry.end) +
                 ") do not hold " + std::to_string(*bytes) + " bytes");
  }
  return entry;
}

}  // namespace

Result<SafetensorsHeader> ParseSafetensorsHeader(std::string_view text, std::uint64_t data_bytes) {
  if (text.empty() || text[0] != '{') return DataLoss("the header does not start with '{'");
  // A document of a hundred megabytes that is all small values would take gigabytes.
  const auto values = std::count(text.begin(), text.end(), ',');
  if (values > static_cast<std::ptrdiff_t>(kValuesPerTensor * limits::kTensorsPerFileMax)) {
    return ResourceExhausted("the header has " + std::to_string(values) + " values; at most " +
                             std::to_string(limits::kTensorsPerFileMax) + " tensors are read");
  }
  auto object = ParseJson(text);
  if (!object.ok()) return DataLoss("the header is no JSON: " + object.status().message());
  if (object->kind != Json::Kind::kObject) return DataLoss("the header is no JSON object");
  SafetensorsHeader header;
  for (const auto& [name, value] : object->members) {
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
