#include "coordinator/spec/map_reader.h"

#include <algorithm>

#include "common/recipe/suggest.h"
#include "common/text/scalar.h"

namespace fusor {

std::string JoinPath(std::string_view path, std::string_view key) {
  std::string joined(path);
  if (!joined.empty()) joined += '.';
  return joined += key;
}

std::string IndexPath(std::string_view path, std::size_t index) {
  return std::string(path) + '[' + std::to_string(index) + ']';
}

MapReader::MapReader(const YamlNode& node, std::string path, Problems& problems)
    : node_(node), path_(std::move(path)), problems_(problems) {
  const bool is_map = node.kind == YamlNode::Kind::kMap;
  const bool is_empty = node.kind == YamlNode::Kind::kNull && node.text.empty();
  if (!is_map && !is_empty) problems.Add(node, path_, "expected a map, got " + Describe(node));
}

MapReader::~MapReader() {
  for (const YamlEntry& entry : node_.entries) {
    if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
    problems_.Add(entry, PathOf(entry.key), "unknown key" + Suggestion(entry.key, known_));
  }
}

const YamlEntry* MapReader::Entry(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  return node_.Find(key);
}

const YamlNode* MapReader::Node(std::string_view key) {
  const YamlEntry* entry = Entry(key);
  return entry == nullptr ? nullptr : &entry->value;
}

}  // namespace fusor
