#pragma once

// The trial processes: starts them, passes on what they say, ends them, and tells when nothing of
// one is left. Carries out the core's effects; decides nothing. Owned by the loop's thread.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "worker/core/effect.h"
#include "worker/core/event.h"
#include "worker/process/attempt_dirs.h"
#include "worker/process/cgroup.h"
#include "worker/process/child_watch.h"
#include "worker/process/devices.h"
#include "worker/process/gpu_monitor.h"
#include "worker/process/spawner.h"
#include "worker/process/task_io.h"
#include "worker/process/usage.h"

namespace fusor::agent {

struct ProcessTableParts {
  Loop& loop;
  ChildWatch& children;
  Spawner& spawner;
  const AttemptDirs& dirs;
  std::vector<SlotPlan> slots;
  GpuMonitor* gpus = nullptr;     // none on a machine without GPUs
  CgroupTree* cgroups = nullptr;  // where permitted
  std::string datasets_directory;
  std::filesystem::path root = "/";
  std::function<void(Event)> emit;
};

class ProcessTable {
 public:
  explicit ProcessTable(ProcessTableParts parts);
  ~ProcessTable();

  void Perform(const StartProcess& start);
  void Perform(const SendCommand& command);
  void Perform(const SignalTask& signal);
  void Perform(const HoldTask& hold);
  void Perform(const ReleaseTask& release);
  void Perform(const DiscardStaged& discard);
  void Perform(const RemoveAttemptDir& remove);

  // Samples every running task; to be called once a second. Also kills what tasks left behind
  // outside their groups.
  void EverySecond();

  std::size_t running() const { return tasks_.size(); }

 private:
  struct Running {
    TaskKey key;
    std::uint32_t slot = 0;
    std::uint64_t memory_limit = 0;  // 0 = none
    std::unique_ptr<TaskIo> io;
    std::unique_ptr<TaskCgroup> cgroup;
    pid_t pid = 0;
    bool killed = false;  // by us
    bool exited = false;
    UsageWindow usage;
    CpuMeter cpu;
  };

  Status Launch(const StartProcess& start);
  void OnSpawned(TaskKey key, Result<pid_t> pid);
  void OnExited(TaskKey key, int status);
  void WaitUntilGone(TaskKey key);
  void OnGone(TaskKey key);
  void Sample(Running& task);
  void GuardMemory(Running& task, std::uint64_t bytes);
  const SlotPlan* PlanOf(std::uint32_t slot) const;
  Running* Find(TaskKey key);

  const ProcessTableParts parts_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::map<TaskKey, Running> tasks_;  // until nothing of the process is left
  bool look_for_strays_ = false;
  // How often the kernel had killed for memory, at the last seconds' looks; oldest first.
  std::deque<std::uint64_t> oom_kills_;
};

}  // namespace fusor::agent
