#pragma once

// The inside of Agent. One file per concern: agent.cc (events), session.cc (the link), tasks.cc
// (life of a task), reports.cc (what processes say).

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "worker/core/agent.h"
#include "worker/core/task.h"

namespace fusor::agent {

enum class LinkState : std::uint8_t { kDown, kGreeting, kWelcomed };

// One unit a task can be pinned to. Occupied from StartProcess until SlotFreed.
struct Slot {
  std::optional<TaskKey> occupant;
  bool stuck = false;
  std::string reason;
};

struct Agent::State {
  explicit State(AgentOptions options_in) : options(std::move(options_in)) {}

  // --- agent.cc
  void On(const LinkUp&);
  void On(const LinkDown&);
  void On(const Received&);
  void On(const ProcessStarted&);
  void On(const StartFailed&);
  void On(Reported&);
  void On(const CheckpointReported&);
  void On(const ArtifactReported&);
  void On(const FailureReported&);
  void On(const FinalReported&);
  void On(const ProcessExited&);
  void On(const MemoryExceeded&);
  void On(const SlotFreed&);
  void On(const UploadDone&);
  void On(const UploadFailed&);
  void On(const FetchDone&);
  void On(const FetchFailed&);
  void On(const DatasetProgress&);
  void On(const DatasetHere&);
  void On(const DatasetFailed&);
  void On(const SpoolSynced&);
  void On(SpoolRead&);
  void On(const SpoolLevelChanged&);
  void On(const InfoChanged&);
  void On(const ShutdownRequested&);
  void On(const Tick&);
  // Time in which the agent itself did not run counts against nobody.
  void PassTime(Time to);
  Task* Find(TaskKey key);
  void QuitWhenIdle();
  Time NextDeadline() const;

  // --- session.cc
  void Hear(const WelcomeMessage&);
  void Hear(const RefuseMessage&);
  void Hear(const RegisterAgainMessage&);
  void Hear(const StartMessage&);
  void Hear(const StopMessage&);
  void Hear(const AckMessage&);
  void Hear(const HeartbeatAckMessage&);
  void SayHello();
  void SayCondition(std::uint32_t index);
  void CheckLink();
  void GiveUpLink(Duration wait, std::string why);
  void RewindFacts();
  void PumpFacts();
  std::vector<AttemptId> Held() const;

  // --- tasks.cc
  void AddTask(const StartMessage& start, std::size_t position);
  void FilesHere(Task& task);  // its data set is next, if it must be fetched
  bool MustFetch(const std::string& dataset) const;
  void Advance(Task& task);  // takes every step that is possible now
  void AdvanceAll();
  void Finish(Task& task);  // its process is gone, or given up, or never was
  void Stop(Task& task, StopCause cause, std::string reason);
  void Climb(Task& task);  // the stop ladder
  void Drop(Task& task);
  void DropAll(const std::string& reason);
  void KillAll();
  void MarkStuck(Task& task, std::string reason);
  void CheckTask(Task& task);  // deadlines
  Time TaskDeadline(const Task& task) const;
  bool SlotSettled(const Task& task) const;
  void RemoveGone();

  // --- reports.cc
  void Append(Task& task, FactBody body);
  void FlushProgress(Task& task);
  void StartUploads(Task& task);
  void GiveUpUploads(Task& task);
  void AppendFinal(Task& task);
  void SetSpoolLevel(SpoolLevel level);
  void SyncSpool();
  void Say(Task& task, std::string text);

  // Built in place: moving a variant of these makes g++ 12 warn of members that are not there.
  template <class What>
  void Persist(What what) {
    out->persists.emplace_back(std::in_place_type<What>, std::move(what));
  }
  template <class What>
  void Send(What what) {
    out->sends.emplace_back(std::in_place_type<What>, std::move(what));
  }
  template <class What>
  void Do(What what) {
    out->actions.emplace_back(std::in_place_type<What>, std::move(what));
  }
  bool Welcomed() const { return link == LinkState::kWelcomed; }
  StopTimes Times() const {
    return {.checkpoint_grace = options.checkpoint_grace,
            .abort_grace = options.abort_grace,
            .exit_grace = options.exit_grace,
            .kill_patience = options.kill_patience};
  }

  AgentOptions options;
  std::map<TaskKey, Task> tasks;
  std::map<std::uint32_t, Slot> slots;

  LinkState link = LinkState::kDown;
  Duration lease_length{0};
  Duration heartbeat_every{0};
  std::uint64_t heartbeat_sequence = 0;
  Time heartbeat_at = kNever;
  Time hello_said{};
  Time last_heard{};

  SpoolLevel spool_level = SpoolLevel::kOk;
  Time sync_at{};
  TaskKey served_last{};  // of PumpFacts: the next one has its turn

  std::vector<TaskKey> drop_first;  // restored tasks of which nothing can be said

  bool leaving = false;
  bool hurry = false;
  bool failed = false;
  bool quit = false;
  std::string leave_reason;
  Time drain_until = kNever;  // set when the last process of a drain is gone

  // Of the call in progress.
  Time now{};
  Effects* out = nullptr;
};

}  // namespace fusor::agent
