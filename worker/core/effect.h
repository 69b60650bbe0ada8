#pragma once

// What the agent's core wants done. Persists come first, in order: each is written (write(2), not
// necessarily synced) before any message of the turn is sent, so that no number is ever used twice,
// whenever the agent is killed.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/base/session.h"
#include "common/base/time.h"
#include "worker/core/task_key.h"

namespace fusor::agent {

// --- Persists
// -------------------------------------------------------------------------------------

// Never refused: what does not fit waits at the edge, in order, and SpoolLevelChanged says so.
struct SpoolAppend {
  TaskKey task;
  Fact fact;
};

// Answered by SpoolSynced.
struct SpoolSync {
  TaskKey task;
};

// Everything up to `number` is committed at the coordinator.
struct SpoolTrim {
  TaskKey task;
  std::uint64_t number = 0;
};

// Forget everything of the task.
struct SpoolDrop {
  TaskKey task;
};

// For the next start of the agent.
struct SaveIdentity {
  std::string cluster_id;
  std::uint64_t generation = 0;
};

using Persist = std::variant<SpoolAppend, SpoolSync, SpoolTrim, SpoolDrop, SaveIdentity>;

// --- Actions
// --------------------------------------------------------------------------------------

// Bring the input files and the resume checkpoint of the task here. Answered by FetchDone or
// FetchFailed.
struct FetchFiles {
  TaskKey task;
  StartMessage start;
};

// Bring the data set here, unless it is here meanwhile. DatasetProgress tells how it goes; answered
// by DatasetHere or DatasetFailed.
struct FetchDataset {
  TaskKey task;
  std::string name;
};

// Answered by ProcessStarted or StartFailed. All that FetchFiles was asked for is here.
struct StartProcess {
  TaskKey task;
  std::uint32_t slot = 0;
  StartMessage start;
};

enum class Command : std::uint8_t { kCheckpoint, kCheckpointAndStop, kFinishEarly, kAbort };

struct SendCommand {
  TaskKey task;
  Command command = Command::kCheckpoint;
};

enum class Signal : std::uint8_t { kTerm, kKill };

// To the task's whole process group.
struct SignalTask {
  TaskKey task;
  Signal signal = Signal::kTerm;
};

// Read nothing more of what the task reports, so that it waits; and read on. What the pipes still
// hold when a held task exits is read all the same.
struct HoldTask {
  TaskKey task;
};
struct ReleaseTask {
  TaskKey task;
};

// Store the staged files at the coordinator. Answered by UploadDone or UploadFailed.
struct StartUpload {
  TaskKey task;
  StagedId staged;
};

struct CancelUpload {
  TaskKey task;
  StagedId staged;
};

// The staged files are not needed any more.
struct DiscardStaged {
  TaskKey task;
  StagedId staged;
};

// The task is over and everything of it delivered or given up; its process, if any, is gone.
struct RemoveAttemptDir {
  TaskKey task;
};

// Facts from this number on, as many as fit. Answered by SpoolRead.
struct ReadSpool {
  TaskKey task;
  std::uint64_t first_number = 0;
  std::uint64_t bytes_max = 0;
};

// End the stream (LinkDown follows if it was up) and open a new one, at the earliest after `wait`.
struct CloseLink {
  Duration wait{0};
};

// The agent's work is done, or it must not go on. Every process was dealt with.
struct Quit {
  bool failed = false;
  std::string reason;
};

// One line for the log.
struct Note {
  bool warning = false;
  std::string text;
};

using Action = std::variant<FetchFiles, FetchDataset, StartProcess, SendCommand, SignalTask,
                            HoldTask, ReleaseTask, StartUpload, CancelUpload, DiscardStaged,
                            RemoveAttemptDir, ReadSpool, CloseLink, Quit, Note>;

struct Effects {
  std::vector<Persist> persists;
  std::vector<WorkerMessage> sends;  // after all persists; control precedes facts
  std::vector<Action> actions;       // in order; independent of the sends
};

}  // namespace fusor::agent

namespace fusor {
using AgentEffects = agent::Effects;
}  // namespace fusor
