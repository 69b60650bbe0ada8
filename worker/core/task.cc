#include "worker/core/task.h"

#include <algorithm>
#include <vector>

#include "common/base/limits.h"

namespace fusor::agent {

namespace {

constexpr std::size_t kTailLineBytesMax = 2 << 10;

}  // namespace

void LogTail::Add(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  // Only the newest lines matter, so they are looked for from the end.
  std::vector<std::string_view> newest;
  while (newest.size() < limits::kLogTailLines) {
    const std::size_t at = text.rfind('\n');
    newest.push_back(at == std::string_view::npos ? text : text.substr(at + 1));
    if (at == std::string_view::npos) break;
    text = text.substr(0, at);
  }
  for (auto line = newest.rbegin(); line != newest.rend(); ++line) {
    lines_.emplace_back(line->substr(0, kTailLineBytesMax));
  }
  while (lines_.size() > limits::kLogTailLines) lines_.pop_front();
}

}  // namespace fusor::agent
