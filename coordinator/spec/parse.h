#pragma once

// From the text of a sweep file to a SweepSpec, or to everything that is wrong with it. The
// language is docs/sweep_file.md.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/core/spec.h"
#include "coordinator/spec/problem.h"

namespace fusor {

struct SpecReport {
  std::optional<SweepSpec> spec;  // exactly when there are no problems
  std::vector<SpecProblem> problems;
};

// `overrides` are what --set was given, "a.b.c=VALUE", in order. No side effects: the same text and
// overrides give the same sweep, always.
SpecReport ParseSweep(std::string_view text, const std::vector<std::string>& overrides = {});

// All problems as lines for people.
std::string ProblemsText(const std::vector<SpecProblem>& problems, std::string_view file_name);

}  // namespace fusor
