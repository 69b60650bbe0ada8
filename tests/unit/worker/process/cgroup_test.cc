// Control groups: against files that look like them, and against the kernel's where it lets us.

#include "worker/process/cgroup.h"

#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <csignal>

#include "tests/unit/worker/process/table_fixture.h"
#include "worker/process/proc_stat.h"
#include "worker/system/files.h"

namespace fusor::agent {
namespace {

using testing::HasSubstr;

// A root with a control group of version 2 that is this agent's to divide.
class CgroupTest : public ProcessTableTest {
 protected:
  CgroupTest() {
    root_ = dir_.path() / "root";
    Write("proc/self/cgroup", "0::/service\n");
    Write("sys/fs/cgroup/service/cgroup.controllers", "cpu memory pids\n");
  }

  void Write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << text;
  }
  std::filesystem::path Group(const std::string& name) const {
    return root_ / "sys/fs/cgroup/service" / name;
  }
  std::unique_ptr<CgroupTree> Take() {
    auto tree = CgroupTree::Take(root_);
    EXPECT_TRUE(tree.ok()) << tree.status().ToString();
    return tree.ok() ? std::move(*tree) : nullptr;
  }
};

TEST_F(CgroupTest, TheAgentMovesAsideAndHandsMemoryOut) {
  const auto tree = Take();
  EXPECT_EQ(ReadLine(Group("fusor-agent/cgroup.procs")), std::to_string(getpid()));
  EXPECT_EQ(ReadLine(Group("cgroup.subtree_control")), "+memory");
  auto task = tree->Make("7.0");
  ASSERT_TRUE(task.ok());
  ASSERT_TRUE((*task)->Limit(1'000'000).ok());
  ASSERT_TRUE((*task)->Add(4711).ok());
  EXPECT_EQ(ReadLine(Group("fusor-task-7.0/memory.max")), "1000000");
  EXPECT_EQ(ReadLine(Group("fusor-task-7.0/memory.oom.group")), "1");
  EXPECT_EQ(ReadLine(Group("fusor-task-7.0/cgroup.procs")), "4711");
}

TEST_F(CgroupTest, WhereItIsNotPermittedNothingChangesAndItIsSaid) {
  Write("sys/fs/cgroup/service/cgroup.controllers", "cpu pids\n");
  EXPECT_THAT(CgroupTree::Take(root_).status().message(), HasSubstr("memory controller"));
  EXPECT_FALSE(std::filesystem::exists(Group("fusor-agent")));

  // Others live in the group: the kernel refuses to hand memory out.
  Write("sys/fs/cgroup/service/cgroup.controllers", "memory\n");
  std::filesystem::create_directory(Group("cgroup.subtree_control"));
  EXPECT_FALSE(CgroupTree::Take(root_).ok());
  EXPECT_EQ(ReadLine(Group("cgroup.procs")), std::to_string(getpid()));
}

TEST_F(CgroupTest, WhatAnEarlierAgentsTasksLeftIsKilled) {
  Write("sys/fs/cgroup/service/fusor-task-6.0/cgroup.kill", "");
  Write("sys/fs/cgroup/service/other/cgroup.kill", "");
  Take();
  EXPECT_EQ(ReadLine(Group("fusor-task-6.0/cgroup.kill")), "1");
  EXPECT_EQ(ReadLine(Group("other/cgroup.kill")), "");
}

TEST_F(CgroupTest, ATaskWithALimitLivesInItsOwnGroup) {
  cgroups_ = Take();
  Start(std::string(kProgress) + "read line <&4\n", 0.5);
  ASSERT_TRUE(WaitForProgress());
  EXPECT_EQ(ReadLine(Group("fusor-task-7.0/memory.max")), std::to_string(1 << 29));
  pid_t pid = 0;
  std::istringstream(ReadLine(dir_.path() / "attempts/7.0.process")) >> pid;
  EXPECT_EQ(ReadLine(Group("fusor-task-7.0/cgroup.procs")), std::to_string(pid));
  // The group is the judge, so the watcher is not.
  table_->EverySecond();
  EXPECT_FALSE(Happened<MemoryExceeded>());
  Write("sys/fs/cgroup/service/fusor-task-7.0/cgroup.events", "populated 1\n");
  table_->Perform(SendCommand{kTask, Command::kAbort});
  ASSERT_TRUE(WaitFor([this] { return Happened<ProcessExited>(); }));
  EXPECT_EQ(ReadLine(Group("fusor-task-7.0/cgroup.kill")), "1");
  // Something of it is left: the slot is not free.
  EXPECT_FALSE(Happened<SlotFreed>());
  Write("sys/fs/cgroup/service/fusor-task-7.0/cgroup.events", "populated 0\n");
  EXPECT_TRUE(WaitForEnd());
}

TEST_F(CgroupTest, AKillByTheKernelIsToldFromAnyOther) {
  cgroups_ = Take();
  for (const int kills : {0, 1}) {
    Write("sys/fs/cgroup/service/fusor-task-7.0/memory.events",
          "oom 1\noom_kill " + std::to_string(kills) + "\n");
    events_.clear();
    Start("kill -KILL $$\n", 0.5);
    ASSERT_TRUE(WaitForEnd());
    EXPECT_EQ(All<ProcessExited>()[0].oom_killed, kills == 1);
  }
}

TEST_F(CgroupTest, WithoutGroupsTheSystemsOwnCountTellsIt) {
  Write("proc/vmstat", "oom_kill 4\n");
  Start(std::string(kProgress) + "read line <&4; kill -KILL $$\n");
  ASSERT_TRUE(WaitForProgress());
  Write("proc/vmstat", "oom_kill 5\n");
  table_->Perform(SendCommand{kTask, Command::kAbort});
  ASSERT_TRUE(WaitForEnd());
  EXPECT_TRUE(All<ProcessExited>()[0].oom_killed);
}

// Somebody else ran out of memory, long before this one was killed.
TEST_F(CgroupTest, AnOldKillOfAnotherIsNotThisOnes) {
  Write("proc/vmstat", "oom_kill 4\n");
  Start(std::string(kProgress) + "read line <&4; kill -KILL $$\n");
  ASSERT_TRUE(WaitForProgress());
  Write("proc/vmstat", "oom_kill 5\n");
  for (int second = 0; second < 15; ++second) table_->EverySecond();
  table_->Perform(SendCommand{kTask, Command::kAbort});
  ASSERT_TRUE(WaitForEnd());
  EXPECT_FALSE(All<ProcessExited>()[0].oom_killed);
}

// The kernel's own groups. Runs in a child, which is moved.
TEST(RealCgroup, TheKernelEndsATaskAboveItsLimit) {
  constexpr int kNotPermitted = 77;
  const pid_t agent = fork();
  if (agent == 0) {
    auto tree = CgroupTree::Take("/");
    if (!tree.ok()) _exit(kNotPermitted);
    auto task = (*tree)->Make("test");
    if (!task.ok() || !(*task)->Limit(64 << 20).ok()) _exit(1);
    int gate[2];
    if (pipe(gate) != 0) _exit(1);
    const pid_t trial = fork();
    if (trial == 0) {
      char go = 0;
      if (read(gate[0], &go, 1) != 1) _exit(2);
      constexpr std::size_t kBytes = 512 << 20;
      void* memory =
          mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED) _exit(3);
      auto* bytes = static_cast<volatile char*>(memory);
      for (std::size_t i = 0; i < kBytes; i += 4'096) bytes[i] = 1;
      _exit(0);
    }
    if (!(*task)->Add(trial).ok() || write(gate[1], "g", 1) != 1) _exit(4);
    int status = 0;
    waitpid(trial, &status, 0);
    const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    const bool told = (*task)->WasOutOfMemory();
    task->reset();
    _exit(killed && told ? 0 : 5);
  }
  int status = 0;
  ASSERT_EQ(waitpid(agent, &status, 0), agent);
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNotPermitted) {
    GTEST_SKIP() << "control groups of version 2 are not this user's to make here";
  }
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace fusor::agent
