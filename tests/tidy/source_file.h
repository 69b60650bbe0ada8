#pragma once

// A text file of the tree, as the rules see it.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace fusor::tidy {

struct SourceFile {
  std::string path;  // from the root, with '/'
  std::string text;
  // For C++: `text` with the contents of comments, literals and preprocessor lines replaced by
  // blanks. Line breaks stay, so that positions agree with `text`. Empty for other files.
  std::string code;
};

struct Violation {
  std::string path;
  int line = 1;
  std::string rule;  // what docs/decisions/exceptions.md names
  std::string message;
};

using Violations = std::vector<Violation>;

SourceFile MakeSourceFile(std::string path, std::string text);

// Every file of the project below `root`, sorted by path: the folders of the architecture and the
// files of the root itself, without build trees and files that git ignores by name.
std::vector<SourceFile> LoadTree(const std::filesystem::path& root);

bool IsCpp(std::string_view path);
bool IsHeader(std::string_view path);
// Below `folder`, or the file `folder` itself.
bool IsUnder(std::string_view path, std::string_view folder);
int LineOf(std::string_view text, std::size_t position);

}  // namespace fusor::tidy
