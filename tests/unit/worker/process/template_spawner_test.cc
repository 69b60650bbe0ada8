#include "worker/process/template_spawner.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include <csignal>
#include <fstream>

#include "tests/unit/worker/process/loop_fixture.h"
#include "worker/process/proc_stat.h"
#include "worker/system/files.h"

namespace fusor::agent {
namespace {

using testing::HasSubstr;

class TemplateSpawnerTest : public LoopFixture {
 protected:
  void Start(TemplateSpawner::Options options) {
    options.restart_wait = Duration(1);
    spawner_ = std::make_unique<TemplateSpawner>(
        *loop_, *children_, std::move(options),
        TemplateSpawner::Listener{.ready =
                                      [this](const TemplateInfo& info) {
                                        ++ready_;
                                        info_ = info;
                                      },
                                  .ended = [this](const std::string& why) { why_ = why; }});
    spawner_->Start();
  }
  void StartFake() { Start({.program = FUSOR_FAKE_TEMPLATE}); }

  // A trial whose standard output goes to a file; what it does is its job file's text.
  void Spawn(const std::string& script) {
    const std::filesystem::path job = dir_.path() / "job.json";
    std::ofstream(job) << script;
    TrialEnds ends;
    ends.facts = UniqueFd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    ends.commands = UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC));
    ends.out = UniqueFd(open((dir_.path() / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    ends.err = UniqueFd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    spawner_->Spawn({.job_file = job, .data_limit_bytes = 17, .ends = std::move(ends)},
                    [this](Result<pid_t> pid) {
                      answered_ = true;
                      if (!pid.ok()) {
                        error_ = pid.status();
                        return;
                      }
                      pid_ = *pid;
                      children_->Watch(*pid, [this](int status) { exit_status_ = status; });
                    });
  }
  bool WaitForTrial() {
    return WaitFor([this] { return pid_ > 0; });
  }
  pid_t TemplatePid() const {
    for (const ProcStat& stat : AllProcesses()) {
      if (stat.parent == getpid() && stat.pid != pid_ && stat.state != 'Z') return stat.pid;
    }
    return 0;
  }

  std::unique_ptr<TemplateSpawner> spawner_;
  int ready_ = 0;
  TemplateInfo info_;
  std::string why_;
  bool answered_ = false;
  Status error_;
  pid_t pid_ = 0;
  int exit_status_ = -1;
};

TEST_F(TemplateSpawnerTest, ForksTrialsThatAreTheAgentsOwnChildren) {
  StartFake();
  Spawn("echo $PPID; exit 4");  // before the template is ready
  ASSERT_TRUE(WaitFor([this] { return exit_status_ >= 0; }));
  EXPECT_EQ(WEXITSTATUS(exit_status_), 4);
  EXPECT_EQ(ReadLine(dir_.path() / "out"), std::to_string(getpid()));
  EXPECT_EQ(info_.program, "fake");
  EXPECT_EQ(info_.cuda, "13.0");
  EXPECT_EQ(info_.template_bytes, 4096u);
}

TEST_F(TemplateSpawnerTest, TrialsOutliveTheTemplateAndItIsStartedAgain) {
  StartFake();
  Spawn("exec sleep 1000");
  ASSERT_TRUE(WaitForTrial());
  const pid_t trial = pid_;
  kill(TemplatePid(), SIGKILL);
  ASSERT_TRUE(WaitFor([this] { return ready_ == 2; }));
  EXPECT_THAT(why_, HasSubstr("signal 9"));
  EXPECT_NE(ReadProcStat(trial)->state, 'Z');
  pid_ = 0;
  Spawn("exit 0");
  ASSERT_TRUE(WaitForTrial());
  kill(trial, SIGKILL);
  ASSERT_TRUE(WaitFor([trial] { return !ReadProcStat(trial).has_value(); }));
}

TEST_F(TemplateSpawnerTest, ATrialThatCannotBeForkedIsSaidAsSuch) {
  StartFake();
  Spawn("refuse");
  ASSERT_TRUE(WaitFor([this] { return answered_; }));
  EXPECT_THAT(error_.message(), HasSubstr("refused as asked"));
}

TEST_F(TemplateSpawnerTest, ATemplateThatDiesWhileAskedAnswersForAll) {
  StartFake();
  ASSERT_TRUE(WaitFor([this] { return ready_ == 1; }));
  Spawn("die");
  ASSERT_TRUE(WaitFor([this] { return answered_; }));
  EXPECT_EQ(error_.code(), Code::kUnavailable);
  ASSERT_TRUE(WaitFor([this] { return ready_ == 2; }));
}

TEST_F(TemplateSpawnerTest, ATemplateThatDoesNotStartIsSaidAsSuch) {
  Start({.program = "/nonexistent/fusor-train"});
  Spawn("exit 0");
  ASSERT_TRUE(WaitFor([this] { return answered_; }));
  EXPECT_THAT(error_.message(), HasSubstr("does not start"));
  EXPECT_EQ(ready_, 0);
}

TEST_F(TemplateSpawnerTest, ManyAtOnceAreAllStarted) {
  StartFake();
  int started = 0;
  int ended = 0;
  for (int i = 0; i < 200; ++i) {
    std::ofstream(dir_.path() / "job.json") << "exit 0";
    TrialEnds ends;
    for (UniqueFd* fd : {&ends.facts, &ends.commands, &ends.out, &ends.err}) {
      *fd = UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC));
    }
    spawner_->Spawn({.job_file = dir_.path() / "job.json", .ends = std::move(ends)},
                    [&](Result<pid_t> pid) {
                      ASSERT_TRUE(pid.ok());
                      ++started;
                      children_->Watch(*pid, [&](int) { ++ended; });
                    });
  }
  ASSERT_TRUE(WaitFor([&] { return ended == 200; }));
  EXPECT_EQ(started, 200);
}

}  // namespace
}  // namespace fusor::agent
