#pragma once

// A stage while it is being read.

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/recipe/recipe.h"
#include "common/text/yaml.h"
#include "coordinator/core/spec.h"
#include "coordinator/spec/problem.h"

namespace fusor {

struct StageDraft {
  // Where something of the stage was written, to point at it later.
  struct Written {
    TextPlace place;
    int source = 0;
    std::string path;
  };

  const YamlEntry* entry = nullptr;
  std::string path;  // "stages.fusion"
  const Recipe* recipe = nullptr;
  StageSpec spec;
  std::map<std::string, Written, std::less<>> written;  // by axis or parameter name
  // False once a problem was found that would lead to others: later checks are left out.
  bool sound = true;

  void Wrote(const YamlEntry& what, std::string at) {
    written[what.key] = {what.value.place, what.value.source, std::move(at)};
  }

  // Where the axis or parameter was written; the stage itself when nobody wrote it.
  Written WhereIs(std::string_view name) const;
};

// The names of the axes, in order, the seed's first.
std::vector<std::string> AxisNames(const StageSpec& stage);

// The axis of that name; "seeds" is the seed axis too.
std::optional<std::size_t> FindAxis(const StageSpec& stage, std::string_view name);

// The rows of single axes, in order: 0, 1, 2, ...
std::vector<std::vector<std::uint32_t>> PlainRows(std::size_t count);

}  // namespace fusor
