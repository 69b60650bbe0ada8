#pragma once

// What happens to the agent: everything its core is told, as data. Of one task the edge delivers in
// this order: ProcessStarted, what the process reported, ProcessExited (after its pipes were
// drained), SlotFreed.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/base/outcome.h"
#include "common/base/session.h"
#include "common/base/status.h"
#include "worker/core/task_key.h"

namespace fusor::agent {

// --- The link -----------------------------------------------------------------------------------

// A stream is open; nothing was said on it yet.
struct LinkUp {};

// The stream is gone; what was sent on it may or may not have arrived.
struct LinkDown {};

struct Received {
  CoordinatorMessage message;
};

// --- Answers to StartProcess: exactly one of the two ---------------------------------------------

struct ProcessStarted {
  TaskKey task;
};

// No process came to be, and none will.
struct StartFailed {
  TaskKey task;
  Status status;
};

// --- What the process said
// ------------------------------------------------------------------------

// Progress, started, metrics, log and evaluation facts. The other kinds have events of their own.
struct Reported {
  TaskKey task;
  FactBody body;
};

struct CheckpointReported {
  TaskKey task;
  StagedId staged;
  std::int64_t step = 0;
};

struct ArtifactReported {
  TaskKey task;
  StagedId staged;
  std::string kind;
  std::string name;
  std::int64_t step = 0;
};

// Why the process is about to exit with a non-zero status.
struct FailureReported {
  TaskKey task;
  Failure failure = Failure::kCrashedException;
  std::string detail;
};

// The process's last word: succeeded, or released after checkpoint_and_stop.
struct FinalReported {
  TaskKey task;
  OutcomeKind kind = OutcomeKind::kSucceeded;
  std::int64_t step = 0;
};

// --- What became of the process
// -------------------------------------------------------------------

struct ProcessExited {
  TaskKey task;
  bool signaled = false;
  int code = 0;             // the signal's number, or the exit status
  bool oom_killed = false;  // by the kernel, for its memory limit
};

// The watcher saw the task use more host memory than it may.
struct MemoryExceeded {
  TaskKey task;
  std::string detail;
};

// Nothing of the slot's last process is left: its group is empty and its device shows it no more.
struct SlotFreed {
  std::uint32_t slot = 0;
};

// --- Files
// ----------------------------------------------------------------------------------------

// Answers to StartUpload: exactly one of the two, unless CancelUpload came first (then maybe none).
struct UploadDone {
  TaskKey task;
  StagedId staged;
  std::vector<StoredFile> files;
};

// Code::kUnavailable: worth trying again; anything else is for good.
struct UploadFailed {
  TaskKey task;
  StagedId staged;
  Status status;
};

// Answers to FetchFiles: exactly one of the two; codes as above.
struct FetchDone {
  TaskKey task;
};

struct FetchFailed {
  TaskKey task;
  Status status;
};

// Answers to FetchDataset: exactly one of the last two.
struct DatasetProgress {
  TaskKey task;
  std::string phase;  // "fetch cifar100 42%"
};

struct DatasetHere {
  TaskKey task;
};

struct DatasetFailed {
  TaskKey task;
  Status status;
};

// --- The spool
// ------------------------------------------------------------------------------------

// Answers every SpoolSync: everything of the task up to `number` outlives a power cut.
struct SpoolSynced {
  TaskKey task;
  std::uint64_t number = 0;
};

// Answers every SpoolRead: consecutive facts from the number asked for; at least one, unless
// damaged.
struct SpoolRead {
  TaskKey task;
  std::vector<Fact> facts;
  bool damaged = false;
};

// How full the spool is. Each level includes the measures of those before it.
enum class SpoolLevel : std::uint8_t {
  kOk,
  kThin10,   // metric points are kept for every 10th step only
  kThin100,  // ... every 100th
  kReserve,  // no metric points, no log lines (the last ones are kept for the final fact)
  kFull,     // nothing more fits on the disk: trials are held back
};

struct SpoolLevelChanged {
  SpoolLevel level = SpoolLevel::kOk;
};

// --- The rest
// -------------------------------------------------------------------------------------

// What the worker offers has changed.
struct InfoChanged {
  WorkerInfo info;
};

// Drain: release what runs, deliver everything, then quit. A second one: end everything at once.
struct ShutdownRequested {
  std::string reason;
};

// Time has passed. The core says by NextDeadline() when it wants to be told at the latest.
struct Tick {};

using Event =
    std::variant<LinkUp, LinkDown, Received, ProcessStarted, StartFailed, Reported,
                 CheckpointReported, ArtifactReported, FailureReported, FinalReported,
                 ProcessExited, MemoryExceeded, SlotFreed, UploadDone, UploadFailed, FetchDone,
                 FetchFailed, DatasetProgress, DatasetHere, DatasetFailed, SpoolSynced, SpoolRead,
                 SpoolLevelChanged, InfoChanged, ShutdownRequested, Tick>;

}  // namespace fusor::agent

namespace fusor {
using AgentEvent = agent::Event;
}  // namespace fusor
