// `fusor data`: what it prints on a terminal, into a file and for programs, and its exit codes.

#include <gmock/gmock.h>

#include "client/cli/completion.h"
#include "client/commands/commands.h"
#include "client/view/data_view.h"
#include "common/base/sha256.h"
#include "tests/harness/archive_maker.h"
#include "tests/harness/http_server.h"
#include "tests/unit/client/command_fixture.h"

namespace fusor::client {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class DataTest : public CommandTest {
 protected:
  DataTest() : archive_(harness::MakeArchive({{"top/a.bin", "abc"}})) {
    variables_["FUSOR_DATA"] = data();
    server_.Serve("/roses.tar.gz", {.body = archive_});
    Declare(archive_);
  }
  std::string data() const { return (folder_ / "sets").string(); }
  void Declare(const std::string& archive) {
    WriteFile("sets/catalogue.json", R"({"roses": {"about": "a few roses", "address": ")" +
                                         server_.Address("/roses.tar.gz") + R"(", "bytes": )" +
                                         std::to_string(archive.size()) +
                                         R"(, "checksum": "sha256:)" + Sha256Hex(archive) + "\"}}");
  }

  harness::HttpServer server_;
  std::string archive_;
};

TEST_F(DataTest, LsShowsNameSizeStateAndFolder) {
  EXPECT_THAT(RunAlone({"data", "ls"}).out,
              AllOf(StartsWith("NAME "),
                    HasSubstr("cifar100   161 MiB  no       " + data() + "/cifar-100-binary"),
                    HasSubstr("a few roses"), HasSubstr("fusor data fetch NAME")));
  WriteFile("sets/cifar-100-binary/train.bin", "x");
  EXPECT_THAT(RunAlone({"data", "ls"}).out, HasSubstr("damaged: test.bin is missing"));
  WriteFile("sets/cifar-100-binary/test.bin", "x");
  EXPECT_THAT(RunAlone({"data", "ls"}).out, HasSubstr("present, not fetched by fusor"));
  ASSERT_EQ(RunAlone({"data", "fetch", "roses"}).code, 0);
  EXPECT_THAT(RunAlone({"data", "ls", "roses", "-o", "json"}).out,
              AllOf(HasSubstr(R"("state": "present")"), HasSubstr(Sha256Hex(archive_)),
                    Not(HasSubstr("cifar"))));
  EXPECT_EQ(RunAlone({"data", "ls", "-o", "id"}).out, "cifar10\ncifar100\nroses\n");
}

TEST_F(DataTest, FetchSaysPlainLinesIntoAFileAndNothingTheSecondTime) {
  const Ran ran = RunAlone({"data", "fetch", "roses"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out,
              AllOf(StartsWith("downloading roses: "), HasSubstr("\nchecking roses\n"),
                    HasSubstr("\nunpacking roses\n"),
                    EndsWith("roses is in " + data() + "/roses: 1 file, 3 B, sha256 verified\n"),
                    Not(HasSubstr("\x1b"))));
  EXPECT_EQ(ReadFile("sets/roses/a.bin"), "abc");
  EXPECT_EQ(RunAlone({"data", "fetch", "roses"}).out, "roses is already in " + data() + "/roses\n");
}

TEST_F(DataTest, FetchDrawsABarOnATerminal) {
  terminal_.is_terminal = true;
  const Ran ran = RunAlone({"data", "fetch", "roses"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("\x1b["), HasSubstr("downloading roses  "),
                             HasSubstr("100%"), EndsWith("sha256 verified\n")));
}

TEST_F(DataTest, FetchForProgramsIsOneObject) {
  const std::string folder = data() + "/roses";
  EXPECT_EQ(RunAlone({"data", "fetch", "roses", "-o", "json"}).out,
            "{\n  \"name\": \"roses\",\n  \"folder\": \"" + folder +
                "\",\n  \"fetched\": true,\n  \"from\": \"" + server_.Address("/roses.tar.gz") +
                "\",\n  \"files\": 1,\n  \"bytes\": 3,\n  \"archive\": \"sha256:" +
                Sha256Hex(archive_) + "\"\n}\n");
  EXPECT_THAT(RunAlone({"data", "fetch", "roses", "-o", "json"}).out,
              HasSubstr(R"("fetched": false)"));
  EXPECT_EQ(RunAlone({"data", "fetch", "roses", "-o", "id"}).out, "roses\n");
}

TEST_F(DataTest, FetchTakesAMirrorAndAnotherFolder) {
  server_.Serve("/mirror/roses.tar.gz", {.body = archive_});
  EXPECT_EQ(RunAlone({"data", "fetch", "roses", "--from", server_.Address("/mirror/")}).code, 0);
  WriteFile("here/roses.tar.gz", archive_);
  WriteFile("other/catalogue.json", ReadFile("sets/catalogue.json"));
  const Ran ran = RunAlone({"data", "fetch", "roses", "--datasets", "other", "--from", "here"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ReadFile("other/roses/a.bin"), "abc");
}

TEST_F(DataTest, ErrorsSayWhatAndExitCodesTellTheKind) {
  Ran ran = RunAlone({"data", "fetch", "rose"});
  EXPECT_EQ(ran.code, kExitBadInput);
  EXPECT_THAT(ran.err, StartsWith("error: no data set 'rose' to fetch; did you mean 'roses'?\n"));
  EXPECT_EQ(RunAlone({"data", "fetch"}).code, kExitBadInput);
  EXPECT_THAT(RunAlone({"data", "get", "roses"}).err, HasSubstr("data has no 'get'"));
  Declare(archive_ + "x");
  ran = RunAlone({"data", "fetch", "roses"});
  EXPECT_EQ(ran.code, kExitFailed);
  EXPECT_THAT(ran.err, AllOf(HasSubstr(server_.Address("/roses.tar.gz")), HasSubstr("expected ")));
  server_.Serve("/roses.tar.gz", {.status = 404});
  EXPECT_EQ(RunAlone({"data", "fetch", "roses"}).code, kExitBadInput);
  WriteFile("sets/catalogue.json", "nonsense");
  EXPECT_THAT(RunAlone({"data", "ls"}).err, HasSubstr("sets/catalogue.json: "));
  variables_.erase("FUSOR_DATA");
  EXPECT_THAT(RunAlone({"data", "ls"}).err, HasSubstr("--datasets DIR, or FUSOR_DATA"));
}

TEST(FetchLine, TellsPaceAndTimeLeft) {
  FetchLine line("roses", Look());
  const auto at = [&](std::int64_t second) {
    return line.Draw(
        {FetchPhase::kDownloading, static_cast<std::uint64_t>(second) << 20, 100 << 20},
        Time(Duration(second * 1'000)));
  };
  for (int second = 0; second < 30; ++second) at(second);
  EXPECT_THAT(at(30), AllOf(HasSubstr("30%  30 MiB of 100 MiB  1.0 MiB/s  "), HasSubstr("left")));
}

TEST(DataCompletion, OffersActionsAndDataSets) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_THAT(*CompletionScript(AllCommands(), shell),
                AllOf(HasSubstr("ls fetch"), HasSubstr("data ls -o id")));
  }
}

}  // namespace
}  // namespace fusor::client
