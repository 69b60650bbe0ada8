// Holds the whole tree to the rules.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "tests/tidy/exceptions.h"
#include "tests/tidy/rules.h"

namespace fusor::tidy {
namespace {

constexpr const char* kExceptions = "docs/decisions/exceptions.md";

TEST(Tree, KeepsTheRules) {
  const std::vector<SourceFile> files = LoadTree(FUSOR_SOURCE_DIR);
  std::set<std::string> tree;
  for (const SourceFile& file : files) tree.insert(file.path);
  ASSERT_TRUE(tree.contains("tests/tidy/tree_test.cc"));

  Violations found;
  std::vector<Exception> exceptions;
  for (const SourceFile& file : files) {
    const Violations part = CheckFile(file, tree);
    found.insert(found.end(), part.begin(), part.end());
    if (file.path == kExceptions) exceptions = ParseExceptions(file.text);
  }

  const Judgement judgement = Judge(found, exceptions);
  for (const Violation& violation : judgement.violations) {
    ADD_FAILURE() << violation.path << ":" << violation.line << ": [" << violation.rule << "] "
                  << violation.message;
  }
  for (const Exception& exception : judgement.stale) {
    ADD_FAILURE() << kExceptions << ": `" << exception.rule << "` in `" << exception.path
                  << "` covers nothing any more; delete the line";
  }
}

// The architecture's top level; nothing else joins it without a decision page.
TEST(Tree, HasNoOtherFolders) {
  const std::set<std::string> known = {"proto",   "common", "coordinator", "worker",
                                       "trainer", "client", "deploy",      "cmake",
                                       "tests",   "docs",   "build"};
  for (const auto& entry : std::filesystem::directory_iterator(FUSOR_SOURCE_DIR)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_directory() || name.starts_with('.')) continue;
    EXPECT_TRUE(known.contains(name)) << name << " is no folder of the architecture";
  }
}

}  // namespace
}  // namespace fusor::tidy
