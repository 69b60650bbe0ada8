// What local mode is made of.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "client/local/child_process.h"
#include "client/local/local_cluster.h"
#include "client/local/run_record.h"
#include "tests/unit/client/command_fixture.h"

namespace fusor::client {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr Duration kLong{60'000};

class Local : public CommandTest {
 protected:
  Result<ChildProcess> Start(const std::string& script) {
    ChildOptions options;
    options.program = "/bin/sh";
    options.arguments = {"-c", script};
    options.output = folder_ / "log";
    return ChildProcess::Start(options);
  }
};

TEST_F(Local, ChildrenAreWaitedForAndTheirEndIsTold) {
  Result<ChildProcess> child = Start("echo hello; echo trouble >&2; exit 3");
  ASSERT_TRUE(child.ok());
  ASSERT_TRUE(child->WaitFor(kLong));
  EXPECT_EQ(child->EndText(), "exit status 3");
  EXPECT_FALSE(child->succeeded());
  EXPECT_EQ(ReadFile("log"), "hello\ntrouble\n");
  EXPECT_EQ(LogTail(folder_ / "log", 1), "\n  trouble");
}

TEST_F(Local, ChildrenCanBeSignalledWithAllTheyStarted) {
  Result<ChildProcess> child = Start("sleep 1000 & wait");
  ASSERT_TRUE(child.ok());
  EXPECT_FALSE(child->WaitFor(Duration(0)));
  child->SignalGroup(SIGKILL);
  ASSERT_TRUE(child->WaitFor(kLong));
  EXPECT_EQ(child->EndText(), "killed by signal 9");
}

TEST_F(Local, ChildrenHaveNoBlockedSignalsAndAGroupOfTheirOwn) {
  Result<ChildProcess> child =
      Start("grep SigBlk /proc/self/status; ps -o pgid= -p $$ | tr -d ' '");
  ASSERT_TRUE(child.ok());
  const std::string group = std::to_string(child->pid());
  ASSERT_TRUE(child->WaitFor(kLong));
  EXPECT_EQ(ReadFile("log"), "SigBlk:\t0000000000000000\n" + group + "\n");
}

TEST_F(Local, AMissingProgramIsSaid) {
  ChildOptions options;
  options.program = folder_ / "nothing";
  Result<ChildProcess> child = ChildProcess::Start(options);
  ASSERT_TRUE(child.ok());
  ASSERT_TRUE(child->WaitFor(kLong));
  EXPECT_EQ(child->EndText(), "it could not be started");
  const auto found = FindProgram(folder_ / "bin" / "fusor", "fusord", folder_.string());
  ASSERT_FALSE(found.ok());
  EXPECT_THAT(found.status().message(), HasSubstr("the program fusord is neither beside"));
}

TEST_F(Local, ProgramsBesideThisOneComeFirst) {
  for (const char* path : {"bin/fusord", "path/fusord", "path/fusor-worker"}) {
    WriteFile(path, "#!/bin/sh\n");
    std::filesystem::permissions(folder_ / path, std::filesystem::perms::owner_all);
  }
  const std::string search = "/nonexistent:" + (folder_ / "path").string();
  EXPECT_EQ(*FindProgram(folder_ / "bin" / "fusor", "fusord", search), folder_ / "bin/fusord");
  EXPECT_EQ(*FindProgram(folder_ / "bin" / "fusor", "fusor-worker", search),
            folder_ / "path/fusor-worker");
}

TEST_F(Local, RunsAreRememberedByContent) {
  const std::string key = RunKey("name: x\n", {"a=1"});
  EXPECT_EQ(key, RunKey("name: x\n", {"a=1"}));
  EXPECT_NE(key, RunKey("name: x\n", {}));
  EXPECT_NE(RunKey("a", {"bc"}), RunKey("a", {"b", "c"}));
  EXPECT_EQ(RunRequestId(key, 2), "local-" + key + "-2");
  EXPECT_EQ(LoadRunRecord(folder_ / "runs", key), RunRecord());
  ASSERT_TRUE(SaveRunRecord(folder_ / "runs", key, {3, 12}).ok());
  EXPECT_EQ(LoadRunRecord(folder_ / "runs", key), (RunRecord{3, 12}));
  WriteFile("runs/" + key, "damaged");
  EXPECT_EQ(LoadRunRecord(folder_ / "runs", key), RunRecord());
}

TEST_F(Local, ACoordinatorThatDoesNotStartIsSaidWithItsLastLines) {
  WriteFile("bin/fusord", "#!/bin/sh\necho 'state.db is locked' >&2\nexit 1\n");
  std::filesystem::permissions(folder_ / "bin/fusord", std::filesystem::perms::owner_all);
  WriteFile("sweep.yaml", "name: x\n");
  WriteFile(".fusor/local/fusord.log", "a line of an earlier run\n");
  const Ran ran = RunAlone({"local", "sweep.yaml"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, Not(HasSubstr("earlier run")));
  EXPECT_THAT(ran.err, HasSubstr("fusord did not start (exit status 1)"));
  EXPECT_THAT(ran.err, HasSubstr("state.db is locked"));
}

TEST_F(Local, SlotsAreCheckedBeforeAnythingStarts) {
  WriteFile("sweep.yaml", "name: x\n");
  for (const char* slots : {"0", "-1", "two", "1x", ""}) {
    const Ran ran = RunAlone({"local", "sweep.yaml", std::string("--slots=") + slots});
    EXPECT_EQ(ran.code, 2) << slots;
    EXPECT_THAT(ran.err, HasSubstr("--slots")) << slots;
  }
}

TEST_F(Local, PlanWithoutACoordinatorAsksTheSisterProgram) {
  WriteFile("bin/fusord",
            "#!/bin/sh\n"
            "[ \"$1 $2\" = 'plan --source-file' ] && [ \"$4 $5\" = '--set a=1' ] || exit 9\n"
            "grep -q 'name: x' \"$3\" || exit 8\n"
            "echo '{\"name\": \"x\", \"trials\": \"16\", \"stages\": [{\"name\": \"fit\", "
            "\"recipe\": \"probe\", \"cells\": \"20\", \"trials\": \"16\"}]}'\n");
  std::filesystem::permissions(folder_ / "bin/fusord", std::filesystem::perms::owner_all);
  WriteFile("sweep.yaml", "name: x\n");
  const Ran ran = RunAlone({"plan", "sweep.yaml", "--set", "a=1", "--data", "nowhere"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out,
            "x · 16 trials · sweep.yaml\n\n"
            "STAGE  RECIPE  CELLS  EXCLUDED  TRIALS\n"
            "fit    probe      20         4      16\n\n"
            "no workers were asked: no coordinator is running\n\n"
            "  fusor local sweep.yaml --set a=1 --data nowhere   # on this machine alone\n"
            "  fusor submit sweep.yaml --set a=1 --data nowhere  # when a coordinator runs\n");
}

TEST_F(Local, RecipesNeedNoCoordinator) {
  const Ran ran = RunAlone({"recipes", "-o", "id"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out, "expert\nfusion\nprobe\n");
  EXPECT_THAT(RunAlone({"recipes", "prob"}).err, HasSubstr("did you mean 'probe'?"));
  EXPECT_THAT(RunAlone({"recipes", "probe", "-o", "json"}).out,
              HasSubstr("\"name\": \"fault_step\""));
}

}  // namespace
}  // namespace fusor::client
