#include "client/format/problem.h"

#include "client/format/text.h"
#include "client/format/width.h"

namespace fusor::client {

namespace {

std::string_view LineOf(std::string_view source, std::uint32_t line) {
  for (std::uint32_t at = 1; at < line; ++at) {
    const std::size_t end = source.find('\n');
    if (end == std::string_view::npos) return {};
    source.remove_prefix(end + 1);
  }
  source = source.substr(0, source.find('\n'));
  if (!source.empty() && source.back() == '\r') source.remove_suffix(1);
  return source;
}

// Blanks as wide as the first `columns` - 1 characters of `line`; tabs stay tabs so that the caret
// stands below its character.
std::string Indent(std::string_view line, std::uint32_t column) {
  std::string indent;
  for (std::uint32_t at = 1; at < column && !line.empty(); ++at) {
    indent += line[0] == '\t' ? '\t' : ' ';
    line.remove_prefix(1);
    while (!line.empty() && (static_cast<unsigned char>(line[0]) & 0xC0) == 0x80) {
      line.remove_prefix(1);
    }
  }
  return indent;
}

}  // namespace

std::string RenderProblem(const SourceProblem& problem, std::string_view file,
                          std::string_view source, const Look& look) {
  std::string where(file);
  if (problem.line > 0) {
    where += ":" + std::to_string(problem.line);
    if (problem.column > 0) where += ":" + std::to_string(problem.column);
  } else if (problem.message.starts_with("--set ")) {
    return problem.message + "\n";  // names the override itself
  } else if (!problem.path.empty()) {
    where += ": " + problem.path;
  }
  std::string out = look.Paint(where + ":", Style::kStrong) + " " + problem.message + "\n";
  const std::string_view line = problem.line > 0 ? LineOf(source, problem.line) : "";
  if (Trim(line).empty()) return out;
  const std::string number = std::to_string(problem.line);
  out += look.Paint(PadLeft(number, 5) + " | ", Style::kFaint) + std::string(line) + "\n";
  if (problem.column > 0) {
    out += look.Paint("      | ", Style::kFaint) + Indent(line, problem.column) +
           look.Paint("^", Style::kBad) + "\n";
  }
  return out;
}

}  // namespace fusor::client
