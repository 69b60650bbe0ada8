// Every rule is shown to catch what it is for, and to leave alone what only looks like it.

#include "tests/tidy/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tidy/exceptions.h"

namespace fusor::tidy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::set<std::string>& Tree() {
  static const std::set<std::string> kTree = {
      "common/base/id.h",          "common/recipe/recipe.h",   "common/text/json.h",
      "coordinator/core/event.h",  "coordinator/core/core.cc", "coordinator/core/core.h",
      "coordinator/server/loop.h", "coordinator/store/rows.h", "worker/core/agent.h",
      "trainer/engine/loop.h",     "client/format.h",          "tests/sim/world.h"};
  return kTree;
}

std::vector<std::string> RulesBroken(const std::string& path, const std::string& text) {
  std::vector<std::string> rules;
  for (const Violation& violation : CheckFile(MakeSourceFile(path, text), Tree())) {
    rules.push_back(violation.rule);
  }
  return rules;
}

std::vector<std::string> Including(const std::string& path, const std::string& include) {
  return RulesBroken(path, "#pragma once\n#include " + include + "\n");
}

std::string Repeat(const std::string& line, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += line;
  return text;
}

// Words that would break the rules in this file too, in two parts.
const std::string kSleep = std::string("sle") + "ep";
const std::string kMark = std::string("TO") + "DO";
const std::string kHome = std::string("/ho") + "me/someone/data";

TEST(IncludeEdge, ProgramsNeverIncludeOneAnother) {
  EXPECT_THAT(Including("coordinator/server/a.h", "\"worker/core/agent.h\""),
              ElementsAre("include-edge"));
  EXPECT_THAT(Including("worker/link/a.h", "\"coordinator/core/event.h\""),
              ElementsAre("include-edge"));
  EXPECT_THAT(Including("client/a.h", "\"coordinator/core/event.h\""), ElementsAre("include-edge"));
  EXPECT_THAT(Including("trainer/io/a.h", "\"worker/core/agent.h\""), ElementsAre("include-edge"));
  EXPECT_THAT(Including("coordinator/server/a.h", "\"trainer/engine/loop.h\""),
              ElementsAre("include-edge"));
  EXPECT_THAT(Including("worker/process/a.h", "\"client/format.h\""), ElementsAre("include-edge"));
}

TEST(IncludeEdge, NothingOfTheProductIncludesTests) {
  EXPECT_THAT(Including("coordinator/server/a.h", "\"tests/sim/world.h\""),
              ElementsAre("include-edge"));
}

TEST(IncludeEdge, CoresLinkBaseAndRecipeOnly) {
  EXPECT_THAT(Including("coordinator/core/a.h", "\"common/text/json.h\""),
              ElementsAre("include-edge"));
  EXPECT_THAT(Including("coordinator/core/a.h", "\"coordinator/store/rows.h\""),
              ElementsAre("include-edge"));
  EXPECT_THAT(Including("worker/core/a.h", "\"common/text/json.h\""), ElementsAre("include-edge"));
  EXPECT_THAT(Including("coordinator/core/a.h", "\"common/base/id.h\""), IsEmpty());
  EXPECT_THAT(Including("worker/core/a.h", "\"common/recipe/recipe.h\""), IsEmpty());
}

TEST(IncludeEdge, ArrowsPointToTheCore) {
  EXPECT_THAT(Including("coordinator/store/a.h", "\"coordinator/core/event.h\""), IsEmpty());
  EXPECT_THAT(Including("coordinator/store/a.h", "\"coordinator/server/loop.h\""),
              ElementsAre("include-edge"));
  EXPECT_THAT(Including("coordinator/server/a.h", "\"coordinator/store/rows.h\""), IsEmpty());
  EXPECT_THAT(Including("common/base/a.h", "\"common/text/json.h\""), ElementsAre("include-edge"));
  EXPECT_THAT(Including("tests/sim/a.h", "\"worker/core/agent.h\""), IsEmpty());
}

TEST(IncludePath, MustBeFullAndExist) {
  EXPECT_THAT(Including("coordinator/core/a.h", "\"event.h\""), ElementsAre("include-path"));
  EXPECT_THAT(Including("coordinator/core/a.h", "\"../core/event.h\""),
              ElementsAre("include-path", "relative-include"));
}

TEST(LibraryHeader, StaysInItsFolders) {
  EXPECT_THAT(Including("common/text/a.h", "<ATen/core/Tensor.h>"), ElementsAre("library-header"));
  EXPECT_THAT(Including("worker/process/a.h", "<torch/torch.h>"), ElementsAre("library-header"));
  EXPECT_THAT(Including("trainer/io/a.h", "<ATen/core/Tensor.h>"), IsEmpty());
  EXPECT_THAT(Including("trainer/io/a.h", "<cuda_runtime_api.h>"), ElementsAre("library-header"));
  EXPECT_THAT(Including("trainer/cuda/a.h", "<cuda_runtime_api.h>"), IsEmpty());
  EXPECT_THAT(Including("coordinator/store/a.h", "<grpcpp/grpcpp.h>"),
              ElementsAre("library-header"));
  EXPECT_THAT(Including("worker/process/a.h", "<google/protobuf/message.h>"),
              ElementsAre("library-header"));
  EXPECT_THAT(Including("coordinator/store/a.h", "\"fusor/v1/worker.pb.h\""),
              ElementsAre("library-header"));
  EXPECT_THAT(Including("worker/spool/a.h", "\"fusor/v1/worker.pb.h\""), IsEmpty());
  EXPECT_THAT(Including("worker/spool/a.h", "\"fusor/v1/worker.grpc.pb.h\""),
              ElementsAre("library-header"));
  EXPECT_THAT(Including("worker/link/a.h", "\"fusor/v1/worker.pb.h\""), IsEmpty());
  EXPECT_THAT(Including("client/a.h", "<grpcpp/grpcpp.h>"), IsEmpty());
  EXPECT_THAT(Including("coordinator/server/a.h", "<sqlite3.h>"), ElementsAre("library-header"));
  EXPECT_THAT(Including("coordinator/store/a.h", "<sqlite3.h>"), IsEmpty());
  EXPECT_THAT(Including("worker/core/a.h", "<gtest/gtest.h>"),
              ElementsAre("pure-core", "library-header"));
}

TEST(PureCore, HasNoThreadClockFileOrLibrary) {
  for (const char* header :
       {"<thread>", "<mutex>", "<condition_variable>", "<atomic>", "<future>", "<fstream>",
        "<filesystem>", "<iostream>", "<unistd.h>", "<sys/socket.h>", "<unordered_map>"}) {
    EXPECT_THAT(Including("coordinator/core/a.h", header), ElementsAre("pure-core")) << header;
    EXPECT_THAT(Including("worker/core/a.h", header), ElementsAre("pure-core")) << header;
    EXPECT_THAT(Including("coordinator/server/a.h", header), IsEmpty()) << header;
  }
  EXPECT_THAT(Including("coordinator/core/a.h", "<map>"), IsEmpty());
  EXPECT_THAT(Including("coordinator/core/a.h", "<spdlog/spdlog.h>"), ElementsAre("pure-core"));
}

TEST(PureCore, AsksNoClockAndNoDevice) {
  EXPECT_THAT(RulesBroken("worker/core/a.cc", "auto t = std::chrono::steady_clock::now();\n"),
              ElementsAre("pure-core"));
  EXPECT_THAT(RulesBroken("coordinator/core/a.cc", "std::random_device device;\n"),
              ElementsAre("pure-core"));
  EXPECT_THAT(RulesBroken("coordinator/core/a.cc", "// no random_device here\n"), IsEmpty());
  EXPECT_THAT(RulesBroken("coordinator/server/a.cc", "std::random_device device;\n"), IsEmpty());
}

TEST(FileLines, HasALimit) {
  EXPECT_THAT(RulesBroken("client/a.cc", Repeat("int F();\n", 500)), IsEmpty());
  EXPECT_THAT(RulesBroken("client/a.cc", Repeat("int F();\n", 501)), ElementsAre("file-lines"));
  EXPECT_THAT(RulesBroken("tests/unit/a_test.cc", Repeat("int F();\n", 800)), IsEmpty());
  EXPECT_THAT(RulesBroken("tests/unit/a_test.cc", Repeat("int F();\n", 801)),
              ElementsAre("file-lines"));
}

// `head {`, n lines, `}`.
std::string Body(const std::string& head, int lines) {
  return head + " {\n" + Repeat("  Work();\n", lines) + "}\n";
}

TEST(FunctionLines, HasALimit) {
  EXPECT_THAT(RulesBroken("client/a.cc", Body("int F(int a)", 68)), IsEmpty());
  EXPECT_THAT(RulesBroken("client/a.cc", Body("int F(int a)", 69)), ElementsAre("function-lines"));
}

TEST(FunctionLines, FindsFunctionsWhereverTheyStand) {
  for (const char* head :
       {"std::vector<int> C::F(int a) const", "TEST(A, B)", "auto F() -> int",
        "C::C(int a) : a_{a}, b_{1}", "C::C(int a) : a_(a)",
        "template <typename T>\nvoid F(T t) noexcept", "bool operator==(const C& c)",
        "static constexpr int F()", "struct stat Stat(const char* path)", "void F(char c = '{')"}) {
    EXPECT_THAT(RulesBroken("client/a.cc", Body(head, 80)), ElementsAre("function-lines")) << head;
    EXPECT_THAT(RulesBroken("client/a.cc", Body(head, 5) + Body(head, 5)), IsEmpty()) << head;
    EXPECT_THAT(RulesBroken("client/a.cc", "namespace a {\nclass C final : public D {\n public:\n" +
                                               Body(head, 80) + "};\n}\n"),
                ElementsAre("function-lines"))
        << head;
  }
}

TEST(FunctionLines, CountsNoTypesTablesOrNamespaces) {
  EXPECT_THAT(RulesBroken("client/a.cc", "struct A {\n" + Repeat("  int a;\n", 100) + "};\n"),
              IsEmpty());
  EXPECT_THAT(RulesBroken("client/a.cc", "enum class A {\n" + Repeat("  kA,\n", 100) + "};\n"),
              IsEmpty());
  EXPECT_THAT(RulesBroken("client/a.cc", "const int a[] = {\n" + Repeat("  1,\n", 100) + "};\n"),
              IsEmpty());
  EXPECT_THAT(RulesBroken("client/a.cc", "namespace {\n" + Repeat("void F() {}\n", 100) + "}\n"),
              IsEmpty());
  EXPECT_THAT(
      RulesBroken("client/a.cc", "const char* a = R\"(\n" + Repeat("void F() {\n", 100) + ")\";\n"),
      IsEmpty());
}

TEST(Names, MarksOfUnfinishedWork) {
  EXPECT_THAT(RulesBroken("client/a.cc", "// " + kMark + ": later\n"), ElementsAre("unfinished"));
  EXPECT_THAT(RulesBroken("docs/a.md", kMark + "\n"), ElementsAre("unfinished"));
  EXPECT_THAT(RulesBroken("client/a.cc", "int kMETHOD" + kMark + "S;\n"), IsEmpty());
}

TEST(Names, SleepInTests) {
  EXPECT_THAT(RulesBroken("tests/unit/a_test.cc", "std::this_thread::" + kSleep + "_for(1s);\n"),
              ElementsAre("sleep-in-test"));
  EXPECT_THAT(RulesBroken("tests/unit/a_test.cc", "::u" + kSleep + "(10);\n"),
              ElementsAre("sleep-in-test"));
  EXPECT_THAT(RulesBroken("tests/setup/a.sh", "do " + kSleep + " 1; done\n"),
              ElementsAre("sleep-in-test"));
  EXPECT_THAT(RulesBroken("tests/bench/a.cc", "std::this_thread::" + kSleep + "_for(1s);\n"),
              IsEmpty());
  EXPECT_THAT(RulesBroken("worker/process/a.cc", "std::this_thread::" + kSleep + "_for(1s);\n"),
              IsEmpty());
}

TEST(Names, OutputInLibraries) {
  EXPECT_THAT(RulesBroken("worker/process/a.cc", "std::cout << 1;\n"),
              ElementsAre("cout-in-library"));
  EXPECT_THAT(RulesBroken("worker/main.cc", "std::cout << 1;\n"), IsEmpty());
  EXPECT_THAT(RulesBroken("client/a.cc", "std::cout << 1;\n"), IsEmpty());
  EXPECT_THAT(RulesBroken("worker/process/a.cc", "// std::cout is for programs\n"), IsEmpty());
}

TEST(Names, UsingNamespaceInHeaders) {
  EXPECT_THAT(RulesBroken("client/a.h", "#pragma once\nusing namespace std;\n"),
              ElementsAre("using-namespace"));
  EXPECT_THAT(RulesBroken("client/a.cc", "using namespace std::chrono_literals;\n"), IsEmpty());
}

TEST(Names, TestHooks) {
  EXPECT_THAT(RulesBroken("worker/core/a.cc", "void ResetForTest();\n"), ElementsAre("test-hook"));
  EXPECT_THAT(RulesBroken("worker/core/a.cc", "FRIEND_TEST(A, B);\n"), ElementsAre("test-hook"));
}

TEST(Names, MachinePaths) {
  EXPECT_THAT(RulesBroken("docs/a.md", "see " + kHome + "\n"), ElementsAre("machine-path"));
  EXPECT_THAT(RulesBroken("deploy/a.sh", "cd " + kHome + "\n"), ElementsAre("machine-path"));
  EXPECT_THAT(RulesBroken("docs/a.md",
                          "`/tm"
                          "p/x`\n"),
              ElementsAre("machine-path"));
  EXPECT_THAT(RulesBroken("worker/process/a.cc",
                          "auto a = \"/tm"
                          "p/fusor\";\n"),
              IsEmpty());
  EXPECT_THAT(RulesBroken("docs/a.md", "data/work/x\n"), IsEmpty());
}

TEST(Files, HowTheyBegin) {
  EXPECT_THAT(RulesBroken("client/a.h", "int a;\n"), ElementsAre("pragma-once"));
  EXPECT_THAT(RulesBroken("client/aB.cc", "int a;\n"), ElementsAre("file-name"));
  EXPECT_THAT(RulesBroken("coordinator/core/core.cc",
                          "#include <map>\n#include \"coordinator/core/core.h\"\n"),
              ElementsAre("own-header-first"));
  EXPECT_THAT(RulesBroken("coordinator/core/core.cc",
                          "#include \"coordinator/core/core.h\"\n#include <map>\n"),
              IsEmpty());
}

TEST(Exceptions, CoverOneRuleInOneFileAndGoStale) {
  const std::vector<Exception> exceptions = ParseExceptions(
      "# Exceptions\n\n- `file-lines` in `client/a.cc`: a table.\n- `unfinished` in `b.md`: "
      "why.\n");
  ASSERT_EQ(exceptions.size(), 2U);
  EXPECT_EQ(exceptions[0].reason, "a table.");
  const Judgement judgement = Judge(
      {{"client/a.cc", 1, "file-lines", ""}, {"client/b.cc", 1, "file-lines", ""}}, exceptions);
  ASSERT_EQ(judgement.violations.size(), 1U);
  EXPECT_EQ(judgement.violations[0].path, "client/b.cc");
  ASSERT_EQ(judgement.stale.size(), 1U);
  EXPECT_EQ(judgement.stale[0].path, "b.md");
}

TEST(Violation, NamesTheLine) {
  const Violations found =
      CheckFile(MakeSourceFile("client/a.cc", "int a;\n\n// " + kMark + "\n"), Tree());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].line, 3);
}

}  // namespace
}  // namespace fusor::tidy
