#include "tests/tidy/exceptions.h"

#include <regex>
#include <set>

namespace fusor::tidy {

std::vector<Exception> ParseExceptions(std::string_view text) {
  static const std::regex kPattern("(?:^|\n)- `([a-z-]+)` in `([^`]+)`: ([^\n]+)");
  const std::string copy(text);
  std::vector<Exception> exceptions;
  for (std::sregex_iterator it(copy.begin(), copy.end(), kPattern), end; it != end; ++it) {
    exceptions.push_back({(*it)[1], (*it)[2], (*it)[3]});
  }
  return exceptions;
}

Judgement Judge(const Violations& found, const std::vector<Exception>& exceptions) {
  Judgement judgement;
  std::set<std::size_t> used;
  for (const Violation& violation : found) {
    bool covered = false;
    for (std::size_t i = 0; i < exceptions.size(); ++i) {
      if (exceptions[i].rule != violation.rule || exceptions[i].path != violation.path) continue;
      covered = true;
      used.insert(i);
    }
    if (!covered) judgement.violations.push_back(violation);
  }
  for (std::size_t i = 0; i < exceptions.size(); ++i) {
    if (!used.contains(i)) judgement.stale.push_back(exceptions[i]);
  }
  return judgement;
}

}  // namespace fusor::tidy
