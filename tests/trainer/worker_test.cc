// The real trainer under the worker's own process table: limits, failures and what is left over,
// seen as the agent sees them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <map>

#include "tests/trainer/agent.h"
#include "tests/unit/worker/process/loop_fixture.h"
#include "trainer/data/cifar.h"
#include "worker/core/ending.h"
#include "worker/process/datasets.h"
#include "worker/process/host.h"
#include "worker/process/proc_stat.h"
#include "worker/process/process_table.h"
#include "worker/process/template_spawner.h"

namespace fusor::agent {
namespace {

using ::testing::HasSubstr;

class WorkerTest : public LoopFixture {
 protected:
  WorkerTest() : dirs_(dir_.path() / "attempts") {
    spawner_ = std::make_unique<TemplateSpawner>(
        *loop_, *children_, TemplateSpawner::Options{.program = FUSOR_TRAIN},
        TemplateSpawner::Listener{.ready = [this](const TemplateInfo&) { ready_ = true; },
                                  .ended = [](const std::string&) {}});
    spawner_->Start();
    EXPECT_TRUE(WaitFor([this] { return ready_; }));
    SlotPlan plan;
    plan.cpus = {OwnAffinity().back()};
    plan.info = {.cpus = 1};
    table_ = std::make_unique<ProcessTable>(
        ProcessTableParts{.loop = *loop_,
                          .children = *children_,
                          .spawner = *spawner_,
                          .dirs = dirs_,
                          .slots = {plan},
                          .emit = [this](Event event) { Hear(std::move(event)); }});
  }

  TaskKey Start(const std::string& config, double memory_gib = 0, int threads = 0) {
    const TaskKey task{AttemptId{++attempts_}, 0};
    StartProcess start{.task = task};
    start.start = {.attempt = task.attempt,
                   .number = 1,
                   .name = "task-0",
                   .recipe = "probe",
                   .config = config,
                   .threads = threads,
                   .memory_gib = memory_gib};
    table_->Perform(start);
    return task;
  }

  void Hear(Event event) {
    if (auto* failure = std::get_if<FailureReported>(&event))
      ending_[failure->task].failure = *failure;
    if (auto* final = std::get_if<FinalReported>(&event)) ending_[final->task].final = *final;
    if (auto* exited = std::get_if<ProcessExited>(&event)) ending_[exited->task].exit = *exited;
    if (auto* memory = std::get_if<MemoryExceeded>(&event)) memory_ = memory->detail;
    if (std::holds_alternative<SlotFreed>(event)) ++freed_;
    if (auto* failed = std::get_if<StartFailed>(&event)) why_ = failed->status.message();
    if (auto* reported = std::get_if<Reported>(&event)) {
      if (auto* started = std::get_if<StartedFact>(&reported->body)) info_ = started->info;
      if (auto* progress = std::get_if<ProgressFact>(&reported->body)) step_ = progress->step;
    }
  }

  // How it ended, as it is told to the coordinator.
  Outcome Run(const std::string& config, double memory_gib = 0) {
    const int before = freed_;
    const TaskKey task = Start(config, memory_gib);
    EXPECT_TRUE(WaitFor([&] { return freed_ > before; })) << why_;
    return Classify(ending_[task]);
  }

  pid_t TemplatePid() const {
    for (const ProcStat& stat : AllProcesses()) {
      if (stat.parent == getpid() && stat.state != 'Z') return stat.pid;
    }
    return 0;
  }
  static std::size_t Descriptors(pid_t pid) {
    const std::filesystem::path folder = "/proc/" + std::to_string(pid) + "/fd";
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
  }

  AttemptDirs dirs_;
  std::unique_ptr<TemplateSpawner> spawner_;
  std::unique_ptr<ProcessTable> table_;
  bool ready_ = false;
  std::uint64_t attempts_ = 0;
  std::map<TaskKey, Ending> ending_;
  std::string memory_;
  std::string why_;
  int freed_ = 0;
  Labels info_;
  std::int64_t step_ = 0;
};

TEST_F(WorkerTest, EveryFaultIsToldApart) {
  const auto fault = [](const std::string& kind) {
    return R"({"steps":5,"matrix":8,"fault_step":2,"fault":")" + kind + "\"}";
  };
  EXPECT_EQ(Run(fault("none")).kind, OutcomeKind::kSucceeded);
  const Outcome crash = Run(fault("crash"));
  EXPECT_EQ(crash.failure, Failure::kCrashedSignal);
  EXPECT_EQ(crash.code, SIGSEGV);
  const Outcome exit = Run(fault("exit"));
  EXPECT_EQ(exit.failure, Failure::kCrashedExit);
  EXPECT_EQ(exit.code, 17);
  EXPECT_EQ(Run(fault("throw")).failure, Failure::kCrashedException);
  EXPECT_EQ(Run(fault("nan")).failure, Failure::kDiverged);
}

TEST_F(WorkerTest, AnEarlyEndIsExplained) {
  const Outcome outcome = Run(R"({"steps":100,"early_stop":2,"early_stop_min_delta":1000})");
  EXPECT_EQ(outcome.kind, OutcomeKind::kSucceeded);
  EXPECT_THAT(outcome.detail, HasSubstr("stopped early: val/loss"));
}

// RLIMIT_DATA is what the template has and the limit: the allocator refuses, the trial says so.
TEST_F(WorkerTest, MemoryBeyondTheLimitIsACleanError) {
  const std::string config = R"({"steps":5,"matrix":8,"fault":"oom","fault_step":2})";
  const Outcome outcome = Run(config, 0.25);
  EXPECT_EQ(outcome.failure, Failure::kOutOfMemoryHost);
  EXPECT_THAT(outcome.detail, HasSubstr("peak"));
  EXPECT_EQ(outcome.code, 1);  // it ended itself
  EXPECT_EQ(memory_, "");
  // The limit is the trial's alone.
  EXPECT_EQ(Run(R"({"steps":5,"matrix":8})", 0.25).kind, OutcomeKind::kSucceeded);
}

TEST_F(WorkerTest, PinnedAndWithItsThreads) {
  Start(R"({"steps":100000,"step_ms":5})", 0, 3);
  ASSERT_TRUE(WaitFor([this] { return step_ > 0; })) << why_;
  EXPECT_EQ(info_["threads"], "3");
  pid_t trial = 0;
  for (const ProcStat& stat : AllProcesses()) {
    if (stat.parent == getpid() && stat.pid == stat.group && stat.pid != TemplatePid()) {
      trial = stat.pid;
    }
  }
  ASSERT_GT(trial, 0);
  EXPECT_EQ(fusor::testing::ProcStatus(trial, "Cpus_allowed_list"),
            std::to_string(OwnAffinity().back()));
  EXPECT_EQ(fusor::testing::ReadAll("/proc/" + std::to_string(trial) + "/oom_score_adj"), "1000\n");
  table_->Perform(SignalTask{TaskKey{AttemptId{attempts_}, 0}, Signal::kKill});
  ASSERT_TRUE(WaitFor([this] { return freed_ == 1; }));
}

// Neither the agent nor the template keeps anything of the trials that were.
TEST_F(WorkerTest, FiveHundredTrialsLeaveNoDescriptorBehind) {
  constexpr int kTrials = 500;
  const pid_t forker = TemplatePid();
  EXPECT_EQ(Run(R"({"steps":0})").kind, OutcomeKind::kSucceeded);
  const std::size_t ours = Descriptors(getpid());
  const std::size_t theirs = Descriptors(forker);
  const int before = freed_;
  for (int i = 0; i < kTrials; ++i) {
    const TaskKey task = Start(R"({"steps":0})");
    ASSERT_TRUE(WaitFor([&] { return freed_ == before + i + 1; })) << why_;
    table_->Perform(RemoveAttemptDir{task});
  }
  EXPECT_EQ(Descriptors(getpid()), ours);
  EXPECT_EQ(Descriptors(forker), theirs);
  EXPECT_EQ(TemplatePid(), forker);
  EXPECT_EQ(table_->running(), 0u);
}

// What a worker offers and what a trial says that it read are the same words.
TEST(Fingerprints, OfAgentAndTrainerAreTheSame) {
  fusor::testing::TemporaryDirectory root;
  const std::string folder = root.path() + "/cifar-100-binary";
  std::filesystem::create_directories(folder);
  const std::string record(3'074, '\1');
  std::string train;
  for (int i = 0; i < 40; ++i) train += record;
  fusor::testing::WriteAll(folder + "/train.bin", train);
  fusor::testing::WriteAll(folder + "/test.bin", record + record);
  const std::vector<DatasetInfo> offered = ScanDatasets(root.path(), root.path() + "/cache");
  ASSERT_EQ(offered.size(), 1u);
  EXPECT_EQ(offered[0].name, "cifar100");
  const auto read = ReadCifar100(root.path());
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(offered[0].fingerprint, read->fingerprint);
}

}  // namespace
}  // namespace fusor::agent
