#pragma once

// One simulated machine: the real agent core on a fake spool, fake trial processes and a fake link.
// What survives the agent's death is in Disk.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/world.h"
#include "worker/core/agent.h"

namespace fusor::sim {

class AgentNode {
 public:
  AgentNode(World& world, std::size_t index);

  void Start();
  // The agent dies and its trials with it; starts again after a while.
  void Die();
  // The agent's process does nothing for a while; its trials go on.
  void Stop(Duration time);
  void OnBytes(const std::shared_ptr<Stream>& stream, const std::string& bytes);
  void OnBroken(const std::shared_ptr<Stream>& stream);

  bool alive() const { return agent_ != nullptr; }
  // Nothing runs, nothing waits for delivery.
  bool Idle() const;
  // Empty when idle, else what is going on here; for people.
  std::string Describe() const;
  const std::string& uid() const { return world_.plan().workers[index_].uid; }

 private:
  using TaskKey = agent::TaskKey;
  using StagedId = agent::StagedId;

  struct Spool {
    std::map<std::uint64_t, Fact> facts;
    std::uint64_t acknowledged = 0;
    std::uint64_t written = 0;
    std::uint64_t synced = 0;
    bool has_final = false;
    bool tail_certain = true;
  };
  struct Disk {
    std::string cluster_id;
    std::uint64_t generation = 0;
    std::uint64_t incarnation = 0;
    std::map<TaskKey, Spool> spools;
  };
  struct Staged {
    std::int64_t step = 0;
    std::string name;
    std::uint64_t state = 0;
  };
  struct Process {
    StartMessage start;
    std::uint32_t slot = 0;
    std::uint64_t life = 0;  // guards against actions of an earlier process
    TrialKey trial;
    TrialPlan plan;
    std::int64_t step = 0;
    std::uint64_t state = 1;
    bool held = false;
    bool stop_at_next_step = false;
    bool hangs = false;
    std::uint64_t next_staged = 1;
    std::map<std::uint64_t, Staged> staged;
    bool exited = false;
  };

  void Post(agent::Event event);
  void Turn();
  void Perform(const agent::Effects& effects);
  void After(Duration delay, std::function<void()> action);  // unless the agent died meanwhile

  // Persists.
  void Do(const agent::SpoolAppend& what);
  void Do(const agent::SpoolSync& what);
  void Do(const agent::SpoolTrim& what);
  void Do(const agent::SpoolDrop& what);
  void Do(const agent::SaveIdentity& what);
  // Actions.
  void Do(const agent::FetchFiles& what);
  void Do(const agent::FetchDataset& what);
  void Do(const agent::StartProcess& what);
  void Do(const agent::SendCommand& what);
  void Do(const agent::SignalTask& what);
  void Do(const agent::HoldTask& what);
  void Do(const agent::ReleaseTask& what);
  void Do(const agent::StartUpload& what);
  void Do(const agent::CancelUpload& what);
  void Do(const agent::DiscardStaged& what);
  void Do(const agent::RemoveAttemptDir& what);
  void Do(const agent::ReadSpool& what);
  void Do(const agent::CloseLink& what);
  void Do(const agent::Quit& what);
  void Do(const agent::Note& what);

  // Trial processes.
  void BeginTrial(TaskKey task);
  void Step(TaskKey task, std::uint64_t life);
  bool Fault(TaskKey task, Process& process);
  void Evaluate(TaskKey task, const Process& process);
  void Stage(TaskKey task, Process& process, const std::string& kind, const std::string& name);
  void Finish(TaskKey task, Process& process, OutcomeKind kind);
  void Exit(TaskKey task, bool signaled, int code);
  void ScheduleConnect(Duration wait);

  World& world_;
  const std::size_t index_;
  Disk disk_;

  // Gone when the agent dies.
  std::unique_ptr<agent::Agent> agent_;
  std::uint64_t life_ = 0;
  std::vector<agent::Event> inbox_;
  bool turn_asked_ = false;
  Time stopped_until_{};
  Time wake_at_ = kNever;
  std::shared_ptr<Stream> stream_;
  std::map<TaskKey, Process> processes_;
  std::uint64_t next_process_ = 1;
};

}  // namespace fusor::sim
