#include "coordinator/spec/problem.h"

#include <algorithm>
#include <tuple>

#include "common/base/check.h"

namespace fusor {

std::string ProblemText(const SpecProblem& problem, std::string_view file_name) {
  std::string text = "--set " + problem.origin;
  if (problem.origin.empty()) {
    text = std::string(file_name);
    if (problem.line > 0) {
      text += ':' + std::to_string(problem.line) + ':' + std::to_string(problem.column);
    }
  }
  text += ": ";
  if (!problem.path.empty()) text += problem.path + ": ";
  return text + problem.message;
}

void Problems::AddAt(TextPlace place, int source, std::string path, std::string message) {
  CHECK(source >= 0 && static_cast<std::size_t>(source) <= overrides_.size());
  ++count_;
  if (problems_.size() >= kProblemsMax) return;
  SpecProblem problem{.line = place.line,
                      .column = place.column,
                      .path = std::move(path),
                      .message = std::move(message),
                      .origin = ""};
  if (source > 0) problem.origin = overrides_[static_cast<std::size_t>(source) - 1];
  problems_.push_back({source, std::move(problem)});
}

std::vector<SpecProblem> Problems::Take() {
  std::stable_sort(problems_.begin(), problems_.end(), [](const Sourced& a, const Sourced& b) {
    return std::tie(a.source, a.problem.line, a.problem.column) <
           std::tie(b.source, b.problem.line, b.problem.column);
  });
  std::vector<SpecProblem> taken;
  for (Sourced& sourced : problems_) taken.push_back(std::move(sourced.problem));
  if (count_ > taken.size()) {
    taken.emplace_back();
    taken.back().message = "and " + std::to_string(count_ - problems_.size()) + " more problems";
  }
  problems_.clear();
  count_ = 0;
  return taken;
}

}  // namespace fusor
