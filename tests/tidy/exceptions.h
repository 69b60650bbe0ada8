#pragma once

// The deliberate exceptions to the rules, as docs/decisions/exceptions.md lists them: one line
// each,
//   - `rule` in `path`: the reason

#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/source_file.h"

namespace fusor::tidy {

struct Exception {
  std::string rule;
  std::string path;
  std::string reason;
};

std::vector<Exception> ParseExceptions(std::string_view text);

struct Judgement {
  Violations violations;         // what no exception covers
  std::vector<Exception> stale;  // exceptions that cover nothing
};

Judgement Judge(const Violations& found, const std::vector<Exception>& exceptions);

}  // namespace fusor::tidy
