#include <algorithm>
#include <cctype>
#include <regex>
#include <string_view>

#include "tests/tidy/rules.h"

namespace fusor::tidy {
namespace {

constexpr int kFileLinesMax = 500;
constexpr int kTestFileLinesMax = 800;
constexpr int kFunctionLinesMax = 70;

// Finds function bodies by their braces. A brace at namespace or class level opens a function when
// the text before it, back to the last ';', '{' or '}', has a parameter list and names no type or
// namespace. It relies on clang-format: a body's brace follows a blank, an initializer's follows a
// name.
class FunctionScanner {
 public:
  explicit FunctionScanner(const SourceFile& file) : file_(file), code_(file.code) {}

  Violations Run() {
    while (at_ < code_.size()) Step();
    return std::move(found_);
  }

 private:
  void Step() {
    const char c = code_[at_];
    if (c == '{') {
      OpenBrace();
      return;
    }
    if (c == ';' || c == '}') {
      head_ = at_ + 1;
    }
    ++at_;
  }

  void OpenBrace() {
    const std::string head = code_.substr(head_, at_ - head_);
    const bool follows_blank =
        at_ == 0 || std::isspace(static_cast<unsigned char>(code_[at_ - 1])) != 0;
    if (!follows_blank) {
      at_ = MatchingBrace() + 1;  // an initializer within the head
    } else if (IsScope(head)) {
      head_ = ++at_;
    } else {
      const std::size_t close = MatchingBrace();
      if (head.find('(') != std::string::npos) Measure(head, close);
      at_ = close + 1;
      head_ = at_;
    }
  }

  static bool IsScope(const std::string& head) {
    static const std::regex kScope(
        R"(^\s*(inline\s+)?namespace\b|^\s*extern\s|)"
        R"(^\s*(template\s*<[^{}]*>\s*)?(typedef\s+)?(class|struct|union|enum)\b)");
    static const std::regex kFunction(R"(\)\s*(const|noexcept|override|final|\s)*$)");
    return std::regex_search(head, kScope) && !std::regex_search(head, kFunction);
  }

  std::size_t MatchingBrace() const {
    int depth = 0;
    for (std::size_t i = at_; i < code_.size(); ++i) {
      if (code_[i] == '{') ++depth;
      if (code_[i] == '}' && --depth == 0) return i;
    }
    return code_.size() - 1;
  }

  void Measure(const std::string& head, std::size_t close) {
    const auto first = std::find_if(head.begin(), head.end(), [](char c) {
      return std::isspace(static_cast<unsigned char>(c)) == 0;
    });
    const int start = LineOf(code_, head_ + static_cast<std::size_t>(first - head.begin()));
    const int lines = LineOf(code_, close) - start + 1;
    if (lines > kFunctionLinesMax) {
      found_.push_back({file_.path, start, "function-lines",
                        "a function of " + std::to_string(lines) + " lines; the limit is " +
                            std::to_string(kFunctionLinesMax)});
    }
  }

  const SourceFile& file_;
  const std::string& code_;
  std::size_t at_ = 0;
  std::size_t head_ = 0;
  Violations found_;
};

bool HasSizeLimit(std::string_view path) {
  return IsCpp(path) || path.ends_with(".sh") || path.ends_with(".py") || path.ends_with(".js") ||
         path.ends_with(".cmake");
}

}  // namespace

Violations CheckSizes(const SourceFile& file) {
  if (!HasSizeLimit(file.path)) return {};
  Violations found;
  const int limit = IsUnder(file.path, "tests") ? kTestFileLinesMax : kFileLinesMax;
  const int lines = static_cast<int>(std::count(file.text.begin(), file.text.end(), '\n'));
  if (lines > limit) {
    found.push_back({file.path, limit, "file-lines",
                     std::to_string(lines) + " lines; the limit is " + std::to_string(limit)});
  }
  if (IsCpp(file.path)) {
    Violations functions = FunctionScanner(file).Run();
    found.insert(found.end(), functions.begin(), functions.end());
  }
  return found;
}

}  // namespace fusor::tidy
