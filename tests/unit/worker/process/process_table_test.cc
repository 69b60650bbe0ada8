#include "worker/process/process_table.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "tests/unit/worker/process/table_fixture.h"
#include "worker/process/proc_stat.h"
#include "worker/system/files.h"

namespace fusor::agent {
namespace {

using testing::HasSubstr;

TEST_F(ProcessTableTest, EventsComeInOrder) {
  Start(std::string(kProgress) +
        "echo hello; echo trouble >&2\n"
        "echo '{\"f\":\"final\",\"step\":9,\"outcome\":\"succeeded\"}' >&3\n");
  ASSERT_TRUE(WaitForEnd());
  ASSERT_TRUE(std::holds_alternative<ProcessStarted>(events_.front()));
  ASSERT_TRUE(std::holds_alternative<SlotFreed>(events_.back()));
  ASSERT_TRUE(std::holds_alternative<ProcessExited>(events_[events_.size() - 2]));
  const ProcessExited exited = All<ProcessExited>()[0];
  EXPECT_FALSE(exited.signaled);
  EXPECT_EQ(exited.code, 0);
  EXPECT_EQ(All<FinalReported>().size(), 1u);
  EXPECT_THAT(Logs(), HasSubstr("hello\n"));
  EXPECT_THAT(Logs(), HasSubstr("trouble\n"));
  EXPECT_EQ(table_->running(), 0u);
}

TEST_F(ProcessTableTest, WhatATrialSaysBeforeItIsKnownToRunIsNotLost) {
  answers_late_ = true;
  Start(std::string(kProgress) + "touch said; read line <&4\n");
  ASSERT_TRUE(WaitFor([this] { return std::filesystem::exists(dirs_.Work(kTask) / "said"); }));
  // Turns in which the facts could have been read.
  for (int turns = 0; turns < 5; ++turns) ASSERT_TRUE(WaitFor([] { return true; }));
  EXPECT_TRUE(events_.empty());
  late_->Say();
  ASSERT_TRUE(WaitForProgress());
  EXPECT_TRUE(std::holds_alternative<ProcessStarted>(events_.front()));
  table_->Perform(SendCommand{kTask, Command::kAbort});
  ASSERT_TRUE(WaitForEnd());
}

TEST_F(ProcessTableTest, TheTrialFindsItsPlaceAndItsJob) {
  Start(
      "pwd; echo $FROM_SLOT $OMP_NUM_THREADS; cat $FUSOR_JOB; echo; cat /proc/self/oom_score_adj\n"
      "test $(ps -o pgid= -p $$) -eq $$ && echo own group\n");
  ASSERT_TRUE(WaitForEnd());
  EXPECT_THAT(Logs(), HasSubstr(dirs_.Work(kTask).string() + "\nyes 3\n{\"contract\":1,"));
  EXPECT_THAT(Logs(), HasSubstr("\"name\":\"task-0\""));
  EXPECT_THAT(Logs(), HasSubstr("}\n1000\n"));
  table_->Perform(RemoveAttemptDir{kTask});
  EXPECT_FALSE(std::filesystem::exists(dirs_.Work(kTask)));
}

TEST_F(ProcessTableTest, ExitStatusAndSignalAreToldApart) {
  Start("exit 3\n");
  ASSERT_TRUE(WaitForEnd());
  EXPECT_FALSE(All<ProcessExited>()[0].signaled);
  EXPECT_EQ(All<ProcessExited>()[0].code, 3);
  events_.clear();
  Start("kill -SEGV $$\n");
  ASSERT_TRUE(WaitForEnd());
  EXPECT_TRUE(All<ProcessExited>()[0].signaled);
  EXPECT_EQ(All<ProcessExited>()[0].code, SIGSEGV);
  EXPECT_FALSE(All<ProcessExited>()[0].oom_killed);
}

TEST_F(ProcessTableTest, CommandsAndSignalsArrive) {
  Start(std::string(kProgress) +
        "trap 'echo asked to stop' TERM\n"
        "read line <&4; echo got $line\n"
        "echo '{\"f\":\"progress\",\"step\":2,\"steps\":9,\"phase\":\"train\"}' >&3\n"
        "while true; do sleep 0.05; done\n");
  ASSERT_TRUE(WaitForProgress());
  table_->Perform(SendCommand{kTask, Command::kCheckpointAndStop});
  ASSERT_TRUE(WaitFor([this] { return Facts<ProgressFact>().size() == 2; }));
  table_->Perform(SignalTask{kTask, Signal::kTerm});
  ASSERT_TRUE(WaitFor([this] { return Logs().find("asked to stop") != std::string::npos; }));
  EXPECT_THAT(Logs(), HasSubstr("got {\"c\":\"checkpoint_and_stop\"}"));
  table_->Perform(SignalTask{kTask, Signal::kKill});
  ASSERT_TRUE(WaitForEnd());
  EXPECT_EQ(All<ProcessExited>()[0].code, SIGKILL);
  EXPECT_FALSE(All<ProcessExited>()[0].oom_killed);
}

TEST_F(ProcessTableTest, NothingOfItsGroupIsLeftBehind) {
  Start("sleep 1000 & echo $!\nexit 0\n");
  ASSERT_TRUE(WaitForEnd());
  EXPECT_FALSE(ReadProcStat(PidFromLog()).has_value());
}

TEST_F(ProcessTableTest, NorOfWhatLeftItsGroup) {
  Start("setsid sh -c 'echo $$; exec sleep 1000' &\nread line <&4\nexit 0\n");
  ASSERT_TRUE(WaitFor([this] { return PidFromLog() > 1; }));
  const pid_t stray = PidFromLog();
  table_->Perform(SendCommand{kTask, Command::kAbort});
  ASSERT_TRUE(WaitForEnd());
  ASSERT_TRUE(WaitFor([this, stray] {
    table_->EverySecond();
    return !ReadProcStat(stray).has_value();
  }));
}

TEST_F(ProcessTableTest, ATrialThatIsHeldWaitsAndLosesNothing) {
  Start(std::string(kProgress) +
        "i=0; while [ $i -lt 20000 ]; do i=$((i+1));\n"
        "echo '{\"f\":\"evaluation\",\"step\":'$i',\"v\":{\"x\":1}}' >&3; done\n");
  ASSERT_TRUE(WaitForProgress());
  table_->Perform(HoldTask{kTask});
  // Its pipe is full: it does not get on while nobody reads.
  pid_t pid = 0;
  std::istringstream(ReadLine(dir_.path() / "attempts/7.0.process")) >> pid;
  ASSERT_GT(pid, 1);
  ASSERT_TRUE(WaitFor([pid] { return ReadProcStat(pid)->state == 'S'; }));
  const std::size_t before = Facts<EvaluationFact>().size();
  EXPECT_LT(before, 20'000u);
  table_->Perform(ReleaseTask{kTask});
  ASSERT_TRUE(WaitForEnd());
  const std::vector<EvaluationFact> facts = Facts<EvaluationFact>();
  ASSERT_EQ(facts.size(), 20'000u);
  for (std::size_t i = 0; i < facts.size(); ++i) ASSERT_EQ(facts[i].step, static_cast<int>(i) + 1);
}

TEST_F(ProcessTableTest, FilesAreLinkedAsideWhenTheyAreReported) {
  Start(
      "echo first > state; echo '{\"f\":\"checkpoint\",\"step\":5,\"files\":[\"state\"]}' >&3\n"
      "read line <&4\n"
      "echo second > new; mv new state\n"
      "echo '{\"f\":\"artifact\",\"kind\":\"model\",\"name\":\"state\",\"step\":6}' >&3\n"
      "for bad in missing ../trial.sh /etc/passwd ''; do\n"
      "echo '{\"f\":\"checkpoint\",\"step\":7,\"files\":[\"'$bad'\"]}' >&3; done\n"
      "ln -s /etc/passwd link; echo '{\"f\":\"checkpoint\",\"step\":7,\"files\":[\"link\"]}' "
      ">&3\n");
  ASSERT_TRUE(WaitFor([this] { return Happened<CheckpointReported>(); }));
  table_->Perform(SendCommand{kTask, Command::kCheckpoint});
  ASSERT_TRUE(WaitForEnd());
  ASSERT_EQ(All<CheckpointReported>().size(), 1u);
  ASSERT_EQ(All<ArtifactReported>().size(), 1u);
  const StagedId checkpoint = All<CheckpointReported>()[0].staged;
  EXPECT_EQ(ReadLine(dirs_.Staged(kTask, checkpoint) / "state"), "first");
  EXPECT_EQ(ReadLine(dirs_.Staged(kTask, All<ArtifactReported>()[0].staged) / "state"), "second");
  table_->Perform(DiscardStaged{kTask, checkpoint});
  EXPECT_FALSE(std::filesystem::exists(dirs_.Staged(kTask, checkpoint)));
  std::string logs = Logs();
  int refused = 0;
  for (std::size_t at = 0; (at = logs.find("is not taken", at)) != std::string::npos; ++at)
    ++refused;
  EXPECT_EQ(refused, 5);
}

TEST_F(ProcessTableTest, AProgramThatIsNotThereIsSaidAsSuch) {
  Start("");
  ASSERT_TRUE(WaitForEnd());
  events_.clear();
  std::filesystem::remove(dir_.path() / "trial.sh");
  table_->Perform(StartProcess{.task = kTask});
  ASSERT_TRUE(WaitFor([this] { return Happened<StartFailed>(); }));
  EXPECT_THAT(All<StartFailed>()[0].status.message(), HasSubstr("No such file"));
  EXPECT_EQ(table_->running(), 0u);
}

// Doubles a text until it takes 160 MB, or as long as it may.
constexpr const char* kTakeMemory =
    "x=0123456789; i=0; while [ $i -lt 24 ]; do x=$x$x; i=$((i+1)); done\n"
    "while true; do sleep 0.05; done\n";

TEST_F(ProcessTableTest, MoreMemoryThanAllowedIsSeen) {
  slot_.gpu = true;  // no limit on its data, so that it is the watching that sees it
  Start(std::string(kProgress) + kTakeMemory, 0.05);
  ASSERT_TRUE(WaitForProgress());
  ASSERT_TRUE(WaitFor([this] {
    table_->EverySecond();
    return Happened<MemoryExceeded>();
  }));
  EXPECT_THAT(All<MemoryExceeded>()[0].detail, HasSubstr("0.05 allowed"));
  table_->Perform(SignalTask{kTask, Signal::kKill});
  ASSERT_TRUE(WaitForEnd());
}

TEST_F(ProcessTableTest, TheDataLimitGivesACleanError) {
  Start(kTakeMemory, 0.05);
  ASSERT_TRUE(WaitForEnd());
  EXPECT_FALSE(All<ProcessExited>()[0].signaled);
  EXPECT_EQ(All<ProcessExited>()[0].code, 2);
  EXPECT_THAT(Logs(), HasSubstr("Out of space"));
}

TEST_F(ProcessTableTest, UseIsSampledAndSummedUp) {
  Start(std::string(kProgress) + "while true; do :; done\n");
  ASSERT_TRUE(WaitForProgress());
  ASSERT_TRUE(WaitFor([this] {
    table_->EverySecond();
    return !Facts<MetricsFact>().empty();
  }));
  const MetricsFact fact = Facts<MetricsFact>()[0];
  EXPECT_THAT(fact.names, testing::Contains("system/cpu_percent/mean"));
  EXPECT_THAT(fact.names, testing::Contains("system/memory_gib/max"));
  const std::size_t before = Facts<MetricsFact>().size();
  table_->EverySecond();
  table_->Perform(SignalTask{kTask, Signal::kKill});
  ASSERT_TRUE(WaitForEnd());
  EXPECT_EQ(Facts<MetricsFact>().size(), before + 1) << "the last window is told at the end";
}

// An agent that was killed left a process behind, with a child of its own.
TEST_F(ProcessTableTest, ARestartedAgentCleansUp) {
  const pid_t leader = fork();
  if (leader == 0) {
    setpgid(0, 0);
    if (fork() == 0) execlp("sleep", "sleep", "1000", nullptr);
    execlp("sleep", "sleep", "1000", nullptr);
    _exit(1);
  }
  setpgid(leader, leader);
  ASSERT_TRUE(dirs_.Create(kTask, "{}").ok());
  ASSERT_TRUE(WaitFor([leader] { return ProcessesOfGroup(leader).size() == 2; }));
  ASSERT_TRUE(dirs_.RecordProcess(kTask, leader).ok());
  const Result<std::vector<std::string>> said = dirs_.CleanUp();
  ASSERT_TRUE(said.ok()) << said.status().ToString();
  EXPECT_EQ(said->size(), 2u);
  ASSERT_TRUE(WaitFor([leader] { return ProcessesOfGroup(leader).empty(); }));
  EXPECT_FALSE(std::filesystem::exists(dirs_.Work(kTask)));
}

// A process with a record in the attempts' folder that is right but for one word.
class RecordedProcessTest : public ProcessTableTest {
 protected:
  RecordedProcessTest() : other_(fork()) {
    if (other_ == 0) {
      setpgid(0, 0);
      execlp("sleep", "sleep", "1000", nullptr);
      _exit(1);
    }
    setpgid(other_, other_);
    EXPECT_TRUE(WaitFor([this] { return ProcessesOfGroup(other_).size() == 1; }));
    EXPECT_TRUE(dirs_.Create(kTask, "{}").ok());
    EXPECT_TRUE(dirs_.RecordProcess(kTask, other_).ok());
    std::ifstream(Record()) >> pid_ >> start_ >> boot_ >> folder_;
  }
  ~RecordedProcessTest() override {
    kill(other_, SIGKILL);
    EXPECT_TRUE(WaitFor([this] { return !ReadProcStat(other_).has_value(); }));
  }

  std::filesystem::path Record() const { return dirs_.Work(kTask).string() + ".process"; }
  bool SurvivesCleanUp() {
    std::ofstream(Record()) << pid_ << " " << start_ << " " << boot_ << " " << folder_;
    EXPECT_TRUE(dirs_.CleanUp().ok());
    const std::optional<ProcStat> stat = ReadProcStat(other_);
    return stat.has_value() && stat->state != 'Z';
  }

  const pid_t other_;
  pid_t pid_ = 0;
  std::uint64_t start_ = 0;
  std::string boot_;
  std::string folder_;
};

TEST_F(RecordedProcessTest, AReusedNumberIsNotKilled) {
  --start_;
  EXPECT_TRUE(SurvivesCleanUp());
}

TEST_F(RecordedProcessTest, AnotherBootsNumberIsNotKilled) {
  boot_ = "another-boot";
  EXPECT_TRUE(SurvivesCleanUp());
}

// Of the agent whose directory was copied: it lives, and so do its trials.
TEST_F(RecordedProcessTest, ACopiedDirectorysProcessIsNotKilled) {
  const std::filesystem::path copied = dir_.path() / "copied";
  std::filesystem::copy(dir_.path() / "attempts", copied, std::filesystem::copy_options::recursive);
  EXPECT_TRUE(AttemptDirs(copied).CleanUp().ok());
  EXPECT_TRUE(ReadProcStat(other_).has_value() && ReadProcStat(other_)->state != 'Z');
  EXPECT_FALSE(SurvivesCleanUp());
}

}  // namespace
}  // namespace fusor::agent
