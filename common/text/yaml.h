#pragma once

// A YAML document as a tree that remembers where everything stood and what exactly was written, so
// that the reader decides by the type it expects what `no`, `010` or `1e3` mean. Libraries'
// exceptions end here.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/limits.h"

namespace fusor {

// Counted from 1.
struct TextPlace {
  int line = 1;
  int column = 1;
  friend bool operator==(const TextPlace&, const TextPlace&) = default;
};

struct YamlEntry;

struct YamlNode {
  enum class Kind : std::uint8_t { kNull, kScalar, kSequence, kMap };

  Kind kind = Kind::kNull;
  std::string text;     // kScalar: as written, without quotes; kNull: "null" where that was written
  bool quoted = false;  // also block text (| and >)
  std::string tag;      // only where one was written, e.g. "tag:yaml.org,2002:str"
  TextPlace place;
  int source = 0;                  // which text it came from; the reader's own numbering
  std::vector<YamlNode> items;     // kSequence
  std::vector<YamlEntry> entries;  // kMap, in order

  const YamlEntry* Find(std::string_view key) const;
};

struct YamlEntry {
  std::string key;
  TextPlace place;  // of the key
  int source = 0;
  YamlNode value;
};

struct YamlProblem {
  TextPlace place;
  std::string message;
};

struct YamlDocument {
  YamlNode root;
  std::vector<YamlProblem> problems;
  // The text was read to its end. With problems, what they are about is left out of the tree, and
  // the rest of it can be checked all the same.
  bool is_whole = false;
};

struct YamlLimits {
  std::size_t bytes_max = limits::kSweepFileBytesMax;
  std::size_t nodes_max = 500'000;  // aliases count what they stand for
  std::size_t depth_max = 32;
};

// Refuses: bytes that are no UTF-8, control characters, more than one document, keys that are no
// plain names, duplicate keys, merge keys (<<), aliases to what contains them, and what is beyond
// the limits. `source` is written into every node.
YamlDocument ParseYaml(std::string_view text, int source = 0, const YamlLimits& limits = {});

}  // namespace fusor
