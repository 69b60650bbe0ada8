#include "worker/process/process_table.h"

#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "worker/process/host.h"
#include "worker/process/job.h"
#include "worker/process/proc_stat.h"

namespace fusor::agent {

namespace {

constexpr double kGib = 1024.0 * 1024.0 * 1024.0;
constexpr Duration kLookAgainAfter{10};
constexpr std::size_t kOomKillsKept = 10;

bool GroupIsEmpty(pid_t group) { return kill(-group, 0) != 0 && errno == ESRCH; }

// What the process cannot know of its place is added to what it says of itself.
void AddFacts(const SlotPlan& plan, Event& event) {
  auto* reported = std::get_if<Reported>(&event);
  if (reported == nullptr) return;
  if (auto* started = std::get_if<StartedFact>(&reported->body)) {
    started->info.insert(plan.facts.begin(), plan.facts.end());
  }
}

}  // namespace

ProcessTable::ProcessTable(ProcessTableParts parts) : parts_(std::move(parts)) {
  oom_kills_.push_back(OutOfMemoryKills(parts_.root));
}

ProcessTable::~ProcessTable() {
  *alive_ = false;
  for (const auto& [key, task] : tasks_) {
    if (task.pid > 0 && !task.exited) kill(-task.pid, SIGKILL);
  }
}

ProcessTable::Running* ProcessTable::Find(TaskKey key) {
  const auto found = tasks_.find(key);
  return found == tasks_.end() ? nullptr : &found->second;
}

const SlotPlan* ProcessTable::PlanOf(std::uint32_t slot) const {
  for (const SlotPlan& plan : parts_.slots) {
    if (plan.info.index == slot) return &plan;
  }
  return nullptr;
}

void ProcessTable::Perform(const StartProcess& start) {
  const Status status = Launch(start);
  if (status.ok()) return;
  tasks_.erase(start.task);
  parts_.emit(StartFailed{start.task, status});
}

Status ProcessTable::Launch(const StartProcess& start) {
  const SlotPlan* plan = PlanOf(start.slot);
  if (plan == nullptr) return Internal("no slot " + std::to_string(start.slot));
  const std::string job = JobText(start.start, *plan,
                                  {.input_directory = parts_.dirs.Input(start.task),
                                   .datasets_directory = parts_.datasets_directory});
  Result<std::filesystem::path> job_file = parts_.dirs.Create(start.task, job);
  if (!job_file.ok()) return job_file.status();
  Result<std::unique_ptr<TaskIo>> io =
      TaskIo::Create(parts_.loop, start.task, parts_.dirs, [this, plan](Event event) {
        AddFacts(*plan, event);
        parts_.emit(std::move(event));
      });
  if (!io.ok()) return io.status();

  Running& task = tasks_[start.task];
  task.key = start.task;
  task.slot = start.slot;
  task.io = std::move(*io);
  task.memory_limit = static_cast<std::uint64_t>(start.start.memory_gib * kGib);
  if (parts_.cgroups != nullptr && task.memory_limit > 0) {
    Result<std::unique_ptr<TaskCgroup>> group = parts_.cgroups->Make(
        std::to_string(start.task.attempt.value) + "." + std::to_string(start.task.rank));
    if (group.ok() && (*group)->Limit(task.memory_limit).ok()) task.cgroup = std::move(*group);
  }
  SpawnRequest request{.job_file = std::move(*job_file),
                       .cpus = plan->cpus,
                       .env = TrialEnvironment(start.start, *plan),
                       .ends = task.io->TakeTrialEnds()};
  // CUDA reserves address space as it likes, so this limit is for trials on processors only.
  if (!plan->info.gpu) request.data_limit_bytes = task.memory_limit;
  parts_.spawner.Spawn(std::move(request),
                       [this, alive = alive_, key = start.task](Result<pid_t> pid) {
                         if (*alive) OnSpawned(key, std::move(pid));
                       });
  return Ok();
}

void ProcessTable::OnSpawned(TaskKey key, Result<pid_t> pid) {
  Running* task = Find(key);
  if (task == nullptr) return;
  if (!pid.ok()) {
    tasks_.erase(key);
    parts_.emit(StartFailed{key, pid.status()});
    return;
  }
  task->pid = *pid;
  if (task->cgroup != nullptr && !task->cgroup->Add(*pid).ok()) task->cgroup.reset();
  // Without the record a restarted agent could not clean up; the parent-death signal still does.
  static_cast<void>(parts_.dirs.RecordProcess(key, *pid).ok());
  parts_.children.Watch(*pid, [this, alive = alive_, key](int status) {
    if (*alive) OnExited(key, status);
  });
  parts_.emit(ProcessStarted{key});
  // Only now: a busy agent may find its first facts before it finds the template's answer, and
  // facts of what has not started count for nothing.
  task->io->Release();
}

void ProcessTable::OnExited(TaskKey key, int status) {
  Running* task = Find(key);
  if (task == nullptr) return;
  task->exited = true;
  look_for_strays_ = true;
  kill(-task->pid, SIGKILL);
  if (task->cgroup != nullptr) task->cgroup->KillAll();
  task->io->Drain();
  if (std::optional<MetricsFact> fact = task->usage.End(parts_.loop.Now())) {
    parts_.emit(Reported{key, std::move(*fact)});
  }
  ProcessExited exited{.task = key,
                       .signaled = WIFSIGNALED(status),
                       .code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)};
  if (exited.signaled && exited.code == SIGKILL && !task->killed) {
    exited.oom_killed = task->cgroup != nullptr
                            ? task->cgroup->WasOutOfMemory()
                            : OutOfMemoryKills(parts_.root) > oom_kills_.front();
  }
  parts_.emit(exited);
  WaitUntilGone(key);
}

void ProcessTable::WaitUntilGone(TaskKey key) {
  Running* task = Find(key);
  if (task == nullptr) return;
  const bool gone = GroupIsEmpty(task->pid) && (task->cgroup == nullptr || task->cgroup->Empty());
  if (!gone) {
    parts_.loop.At(parts_.loop.Now() + kLookAgainAfter, [this, alive = alive_, key] {
      if (*alive) WaitUntilGone(key);
    });
    return;
  }
  const SlotPlan* plan = PlanOf(task->slot);
  if (parts_.gpus == nullptr || plan == nullptr || !plan->info.gpu) return OnGone(key);
  Loop& loop = parts_.loop;
  parts_.gpus->WhenFree(plan->info.device_uuid, task->pid, [this, alive = alive_, key, &loop] {
    loop.Post([this, alive, key] {
      if (*alive) OnGone(key);
    });
  });
}

void ProcessTable::OnGone(TaskKey key) {
  const auto found = tasks_.find(key);
  if (found == tasks_.end()) return;
  const std::uint32_t slot = found->second.slot;
  tasks_.erase(found);
  parts_.emit(SlotFreed{slot});
}

void ProcessTable::Perform(const SendCommand& command) {
  if (Running* task = Find(command.task)) task->io->Command(command.command);
}

void ProcessTable::Perform(const SignalTask& signal) {
  Running* task = Find(signal.task);
  if (task == nullptr || task->pid <= 0 || task->exited) return;
  if (signal.signal == Signal::kTerm) {
    kill(-task->pid, SIGTERM);
    return;
  }
  task->killed = true;
  kill(-task->pid, SIGKILL);
  if (task->cgroup != nullptr) task->cgroup->KillAll();
}

void ProcessTable::Perform(const HoldTask& hold) {
  Running* task = Find(hold.task);
  if (task != nullptr && !task->exited) task->io->Hold();
}

void ProcessTable::Perform(const ReleaseTask& release) {
  Running* task = Find(release.task);
  if (task != nullptr && !task->exited) task->io->Release();
}

void ProcessTable::Perform(const DiscardStaged& discard) {
  parts_.dirs.Unstage(discard.task, discard.staged);
}

void ProcessTable::Perform(const RemoveAttemptDir& remove) { parts_.dirs.Remove(remove.task); }

void ProcessTable::EverySecond() {
  for (auto& [key, task] : tasks_) {
    if (task.pid > 0 && !task.exited) Sample(task);
  }
  if (std::exchange(look_for_strays_, false)) parts_.children.KillStrays();
  // A large process takes a while to die after the kernel has counted its kill.
  oom_kills_.push_back(OutOfMemoryKills(parts_.root));
  if (oom_kills_.size() > kOomKillsKept) oom_kills_.pop_front();
}

void ProcessTable::Sample(Running& task) {
  UsageSample sample;
  const Time now = parts_.loop.Now();
  const std::optional<ProcStat> stat = ReadProcStat(task.pid);
  if (!stat) return;
  if (const std::optional<double> percent = task.cpu.Percent(stat->cpu_ticks, now)) {
    sample["system/cpu_percent"] = *percent;
  }
  const std::uint64_t bytes = ResidentBytes(task.pid);
  sample["system/memory_gib"] = static_cast<double>(bytes) / kGib;
  const SlotPlan* plan = PlanOf(task.slot);
  if (parts_.gpus != nullptr && plan != nullptr && plan->info.gpu) {
    const GpuSample gpu = parts_.gpus->Latest(plan->info.device_uuid);
    const auto add = [&sample](const char* name, const std::optional<double>& value) {
      if (value) sample[name] = *value;
    };
    add("system/gpu_percent", gpu.utilization_percent);
    add("system/gpu_memory_gib", gpu.memory_gib);
    add("system/gpu_celsius", gpu.temperature_celsius);
    add("system/gpu_watts", gpu.power_watts);
  }
  if (std::optional<MetricsFact> fact = task.usage.Add(sample, now)) {
    parts_.emit(Reported{task.key, std::move(*fact)});
  }
  if (task.cgroup == nullptr && task.memory_limit > 0) GuardMemory(task, bytes);
}

void ProcessTable::GuardMemory(Running& task, std::uint64_t bytes) {
  if (bytes <= task.memory_limit) return;
  // Pages shared with the template were counted in full: look closer before judging.
  const std::uint64_t own = ProportionalBytes(task.pid).value_or(bytes);
  if (own <= task.memory_limit) return;
  char detail[96];
  std::snprintf(detail, sizeof detail, "%.2f GiB of host memory in use, %.2f allowed",
                static_cast<double>(own) / kGib, static_cast<double>(task.memory_limit) / kGib);
  parts_.emit(MemoryExceeded{task.key, detail});
}

}  // namespace fusor::agent
