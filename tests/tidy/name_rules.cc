#include <regex>
#include <string_view>
#include <vector>

#include "tests/tidy/rules.h"

namespace fusor::tidy {
namespace {

enum class Where { kText, kCode };

// A pattern that must not occur. The patterns are put together from parts so that this file does
// not break its own rules.
struct Ban {
  std::string_view rule;
  Where where;
  std::string pattern;
  bool (*applies)(std::string_view path);
  std::string_view message;
};

bool Everywhere(std::string_view) { return true; }
bool InCpp(std::string_view path) { return IsCpp(path); }
bool OutsideCpp(std::string_view path) { return !IsCpp(path); }
bool InHeaders(std::string_view path) { return IsHeader(path); }
// Benchmarks are no tests: a load generator keeps time.
bool InCppTests(std::string_view path) {
  return IsCpp(path) && IsUnder(path, "tests") && !IsUnder(path, "tests/bench");
}
bool InScriptTests(std::string_view path) {
  return IsUnder(path, "tests") && (path.ends_with(".sh") || path.ends_with(".py"));
}
bool InProduct(std::string_view path) { return IsCpp(path) && !IsUnder(path, "tests"); }

// Standard output belongs to programs: main.cc, the command line and benchmarks.
// A program's commands print, as its main file does.
bool InLibraries(std::string_view path) {
  return InProduct(path) && !IsUnder(path, "client") && !path.ends_with("/main.cc") &&
         !path.ends_with("commands.cc");
}

const std::vector<Ban>& Bans() {
  static const std::vector<Ban> kBans = {
      {"unfinished", Where::kText, std::string(R"(\b(TO)") + R"(DO|FIX)" + R"(ME|XX)" + R"(X)\b)",
       Everywhere, "finish it or leave it out"},
      {"sleep-in-test", Where::kCode, R"(\b(sleep_for|sleep_until|usleep|nanosleep|sleep)\s*\()",
       InCppTests, "wait on an observed state with a deadline"},
      {"sleep-in-test", Where::kText, R"((^|\n|[;&|]|\bdo|\bthen)[ \t]*(time\.)?sleep[ (])",
       InScriptTests, "wait on an observed state with a deadline"},
      {"cout-in-library", Where::kCode, R"(\bstd::cout\b)", InLibraries,
       "libraries return values; programs print"},
      {"using-namespace", Where::kCode, R"(\busing\s+namespace\b)", InHeaders,
       "a header must not change its includer's names"},
      {"test-hook", Where::kCode, R"(\bFRIEND_TEST\b|\b\w+ForTest(s|ing)?\b)", InProduct,
       "split the class instead"},
      {"relative-include", Where::kText, R"(#include\s+"\.\.?/)", InCpp,
       "includes give the path from the root"},
      {"machine-path", Where::kText,
       R"((^|[\s"'=(`:])/(wo)"
       R"(rk|ro)"
       R"(ot|ho)"
       R"(me/[a-z]+)/)",
       Everywhere, "a path of one machine"},
      {"machine-path", Where::kText,
       R"((^|[\s"'=(`:])/tm)"
       R"(p/)",
       OutsideCpp, "a path of one machine"},
  };
  return kBans;
}

Violations CheckBan(const SourceFile& file, const Ban& ban) {
  if (!ban.applies(file.path)) return {};
  const std::string& text = ban.where == Where::kText ? file.text : file.code;
  const std::regex pattern(ban.pattern);
  Violations found;
  for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) {
    const std::size_t last = static_cast<std::size_t>(it->position() + it->length() - 1);
    found.push_back({file.path, LineOf(text, last), std::string(ban.rule),
                     "\"" + it->str() + "\": " + std::string(ban.message)});
  }
  return found;
}

Violations CheckHeaderStart(const SourceFile& file) {
  if (!IsHeader(file.path) || file.text.find("#pragma once\n") != std::string::npos) return {};
  return {{file.path, 1, "pragma-once", "a header without #pragma once"}};
}

// A source names its own header first, so that every header is once compiled with nothing before
// it.
Violations CheckOwnHeaderFirst(const SourceFile& file, const std::set<std::string>& tree) {
  if (!file.path.ends_with(".cc")) return {};
  const std::string header = file.path.substr(0, file.path.size() - 3) + ".h";
  const std::size_t first = file.text.find("#include");
  if (!tree.contains(header) || first == std::string::npos) return {};
  if (file.text.compare(first, header.size() + 11, "#include \"" + header + "\"") == 0) return {};
  return {{file.path, LineOf(file.text, first), "own-header-first",
           "its first include should be " + header}};
}

Violations CheckFileName(const SourceFile& file) {
  if (!IsCpp(file.path)) return {};
  const std::string name = file.path.substr(file.path.rfind('/') + 1);
  static const std::regex kSnakeCase("[a-z][a-z0-9_]*\\.(h|cc)");
  if (std::regex_match(name, kSnakeCase)) return {};
  return {{file.path, 1, "file-name", "file names are snake_case"}};
}

}  // namespace

Violations CheckNames(const SourceFile& file, const std::set<std::string>& tree) {
  Violations found;
  for (const Violations& part :
       {CheckHeaderStart(file), CheckFileName(file), CheckOwnHeaderFirst(file, tree)}) {
    found.insert(found.end(), part.begin(), part.end());
  }
  for (const Ban& ban : Bans()) {
    const Violations part = CheckBan(file, ban);
    found.insert(found.end(), part.begin(), part.end());
  }
  return found;
}

Violations CheckFile(const SourceFile& file, const std::set<std::string>& tree) {
  Violations found;
  for (const Violations& part :
       {CheckIncludes(file, tree), CheckSizes(file), CheckNames(file, tree)}) {
    found.insert(found.end(), part.begin(), part.end());
  }
  return found;
}

}  // namespace fusor::tidy
