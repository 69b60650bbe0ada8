#pragma once

// Reads a map key by key; what was not asked for is an unknown key.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/text/yaml.h"
#include "coordinator/spec/problem.h"

namespace fusor {

// "a.b", or "b" when a is empty.
std::string JoinPath(std::string_view path, std::string_view key);

// "path[2]"
std::string IndexPath(std::string_view path, std::size_t index);

class MapReader {
 public:
  // Reports a node that is neither a map nor empty; it then reads as an empty map.
  MapReader(const YamlNode& node, std::string path, Problems& problems);
  // Reports the keys that were never asked for.
  ~MapReader();
  MapReader(const MapReader&) = delete;
  MapReader& operator=(const MapReader&) = delete;

  // The entry, or nullptr. The key counts as known from here on.
  const YamlEntry* Entry(std::string_view key);
  const YamlNode* Node(std::string_view key);

  // Reads the key's value into `to` when the key is there; a value that `read` refuses is reported.
  // True when something was read.
  template <class T, class Reader>
  bool Read(std::string_view key, Reader read, T& to) {
    const YamlNode* node = Node(key);
    if (node == nullptr) return false;
    auto result = read(*node);
    if (!result.ok()) {
      Report(key, *node, result.status().message());
      return false;
    }
    to = std::move(result).value();
    return true;
  }

  std::string PathOf(std::string_view key) const { return JoinPath(path_, key); }
  void Report(std::string_view key, const YamlNode& at, std::string message) {
    problems_.Add(at, PathOf(key), std::move(message));
  }

 private:
  const YamlNode& node_;
  std::string path_;
  Problems& problems_;
  std::vector<std::string> known_;
};

}  // namespace fusor
