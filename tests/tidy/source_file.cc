#include "tests/tidy/source_file.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <sstream>

namespace fusor::tidy {
namespace {

namespace fs = std::filesystem;

constexpr std::array kFolders = {"proto",  "common", "coordinator", "worker", "trainer", "client",
                                 "deploy", "cmake",  "tests",       "docs",   ".ci"};
constexpr std::array kTextEndings = {".h",  ".cc",   ".proto", ".txt",     ".cmake", ".sh",
                                     ".md", ".json", ".yaml",  ".service", ".in",    ".lock",
                                     ".py", ".supp", ".html",  ".css",     ".js",    ".cu"};
constexpr std::array kTextNames = {"Makefile", "run", ".clang-format", ".clang-tidy", ".gitignore"};

bool IsText(const fs::path& path) {
  const std::string extension = path.extension().string();
  const std::string name = path.filename().string();
  return std::find(kTextEndings.begin(), kTextEndings.end(), extension) != kTextEndings.end() ||
         std::find(kTextNames.begin(), kTextNames.end(), name) != kTextNames.end();
}

bool IsWordCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Replaces what is not code by blanks, one kind of token per step.
class Blanker {
 public:
  explicit Blanker(std::string text) : text_(std::move(text)) {}

  std::string Run() {
    while (at_ < text_.size()) Step();
    return std::move(text_);
  }

 private:
  void Step() {
    const char c = text_[at_];
    if (StartsWith("//")) {
      BlankUntil("\n");
    } else if (StartsWith("/*")) {
      BlankUntil("*/");
      BlankCount(2);
    } else if (c == '#' && AtLineStart()) {
      BlankDirective();
    } else if (c == '"') {
      if (at_ > 0 && text_[at_ - 1] == 'R') {
        BlankRawString();
      } else {
        BlankQuoted('"');
      }
    } else if (c == '\'' && !(at_ > 0 && IsWordCharacter(text_[at_ - 1]))) {
      BlankQuoted('\'');  // a quote after a word character separates digits
    } else {
      ++at_;
    }
  }

  bool StartsWith(std::string_view token) const {
    return text_.compare(at_, token.size(), token) == 0;
  }

  bool AtLineStart() const {
    std::size_t i = at_;
    while (i > 0 && (text_[i - 1] == ' ' || text_[i - 1] == '\t')) --i;
    return i == 0 || text_[i - 1] == '\n';
  }

  void BlankOne() {
    if (text_[at_] != '\n') text_[at_] = ' ';
    ++at_;
  }

  void BlankCount(int count) {
    while (count-- > 0 && at_ < text_.size()) BlankOne();
  }

  void BlankUntil(std::string_view end) {
    while (at_ < text_.size() && !StartsWith(end)) BlankOne();
  }

  void BlankDirective() {
    while (at_ < text_.size() && text_[at_] != '\n') {
      const bool continued = StartsWith("\\\n");
      BlankOne();
      if (continued) BlankOne();
    }
  }

  void BlankQuoted(char quote) {
    ++at_;
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') {
      BlankCount(text_[at_] == '\\' ? 2 : 1);
    }
    if (at_ < text_.size()) ++at_;
  }

  void BlankRawString() {
    const std::size_t open = text_.find('(', at_);
    if (open == std::string::npos) {
      at_ = text_.size();
      return;
    }
    const std::string end = ")" + text_.substr(at_ + 1, open - at_ - 1) + "\"";
    BlankUntil(end);
    BlankCount(static_cast<int>(end.size()));
  }

  std::string text_;
  std::size_t at_ = 0;
};

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

}  // namespace

SourceFile MakeSourceFile(std::string path, std::string text) {
  SourceFile file;
  if (IsCpp(path)) file.code = Blanker(text).Run();
  file.path = std::move(path);
  file.text = std::move(text);
  return file;
}

std::vector<SourceFile> LoadTree(const fs::path& root) {
  std::vector<SourceFile> files;
  const auto load = [&](const fs::path& path) {
    if (!IsText(path)) return;
    files.push_back(MakeSourceFile(fs::relative(path, root).generic_string(), ReadFile(path)));
  };
  for (const auto& entry : fs::directory_iterator(root)) {
    if (entry.is_regular_file()) load(entry.path());
  }
  for (const char* folder : kFolders) {
    if (!fs::is_directory(root / folder)) continue;
    for (auto it = fs::recursive_directory_iterator(root / folder);
         it != fs::recursive_directory_iterator(); ++it) {
      if (it->is_directory() && it->path().filename() == "__pycache__") {
        it.disable_recursion_pending();
      } else if (it->is_regular_file()) {
        load(it->path());
      }
    }
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

bool IsCpp(std::string_view path) { return path.ends_with(".h") || path.ends_with(".cc"); }

bool IsHeader(std::string_view path) { return path.ends_with(".h"); }

bool IsUnder(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

int LineOf(std::string_view text, std::size_t position) {
  return 1 + static_cast<int>(std::count(
                 text.begin(), text.begin() + static_cast<std::ptrdiff_t>(position), '\n'));
}

}  // namespace fusor::tidy
