#pragma once

// What a worker and the coordinator say to each other, as plain data. proto/session.proto is the
// same on the wire; proto/session_convert.h translates. Control precedes facts on the stream.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/id.h"
#include "common/base/outcome.h"
#include "common/base/time.h"

namespace fusor {

using Labels = std::map<std::string, std::string>;

// --- What a worker is -------------------------------------------------------------------------

struct SlotInfo {
  std::uint32_t index = 0;
  bool gpu = false;
  std::string device_uuid;  // GPU or MIG UUID; empty for CPU slots
  std::string device_name;  // "NVIDIA H200"
  std::string gpu_type;     // short form, "H200"
  double device_memory_gib = 0;
  int cpus = 1;
  double memory_gib = 0;  // host memory share
  double disk_gib = 0;
  friend bool operator==(const SlotInfo&, const SlotInfo&) = default;
};

struct DatasetInfo {
  std::string name;
  std::string fingerprint;  // empty: not here, but fetched before a trial that needs it starts
  std::string archive;      // checksum of the archive it is or would be from; empty = not known
  bool here() const { return !fingerprint.empty(); }
  friend bool operator==(const DatasetInfo&, const DatasetInfo&) = default;
};

struct WorkerInfo {
  std::string uid;                // durable: kept in the worker's own directory
  std::uint64_t incarnation = 0;  // new at every start of the agent; larger = newer
  std::string name;               // for people; host name by default
  std::string version;
  std::vector<SlotInfo> slots;
  std::vector<std::string> precisions;
  std::vector<DatasetInfo> datasets;
  Labels labels;
  std::vector<std::string> notes;  // devices not offered, and why
  friend bool operator==(const WorkerInfo&, const WorkerInfo&) = default;
};

// --- Facts: numbered per (attempt, rank), spooled, acknowledged after commit --------------------

struct ProgressFact {
  std::int64_t step = 0;
  std::int64_t steps = 0;
  std::int64_t epoch = 0;
  std::string phase;
  friend bool operator==(const ProgressFact&, const ProgressFact&) = default;
};

struct StartedFact {
  std::int64_t resumed_from_step = -1;  // -1 = from the beginning
  bool bit_exact = true;
  std::string precision_used;
  Labels info;  // program, versions, host, devices, data fingerprints
  friend bool operator==(const StartedFact&, const StartedFact&) = default;
};

// Points packed in columns: values[i][j] belongs to names[i] at steps[j].
struct MetricsFact {
  std::vector<std::string> names;
  std::vector<std::int64_t> steps;
  std::vector<std::vector<double>> values;
  std::int64_t time_ms = 0;
  friend bool operator==(const MetricsFact&, const MetricsFact&) = default;
};

struct LogFact {
  std::int64_t time_ms = 0;
  bool is_error_stream = false;
  std::string text;  // any bytes; whole lines
  friend bool operator==(const LogFact&, const LogFact&) = default;
};

struct EvaluationFact {
  std::int64_t step = 0;
  std::int64_t epoch = 0;
  std::int64_t time_ms = 0;
  std::map<std::string, double> values;
  friend bool operator==(const EvaluationFact&, const EvaluationFact&) = default;
};

// A file that is stored and fsynced at the coordinator already.
struct StoredFile {
  std::string name;  // "checkpoint/state.safetensors"
  std::string sha256;
  std::uint64_t bytes = 0;
  friend bool operator==(const StoredFile&, const StoredFile&) = default;
};

struct CheckpointFact {
  std::int64_t step = 0;
  std::vector<StoredFile> files;
  friend bool operator==(const CheckpointFact&, const CheckpointFact&) = default;
};

struct ArtifactFact {
  std::string kind;  // model, csv, report, trace, data
  std::int64_t step = 0;
  StoredFile file;
  friend bool operator==(const ArtifactFact&, const ArtifactFact&) = default;
};

struct FinalFact {
  Outcome outcome;
  std::int64_t step = 0;
  std::int64_t time_ms = 0;
  std::int64_t running_ms = 0;
  std::vector<std::string> log_tail;
  friend bool operator==(const FinalFact&, const FinalFact&) = default;
};

using FactBody = std::variant<ProgressFact, StartedFact, MetricsFact, LogFact, EvaluationFact,
                              CheckpointFact, ArtifactFact, FinalFact>;

struct Fact {
  std::uint64_t number = 0;  // 1, 2, 3, ... without a gap
  FactBody body;
  friend bool operator==(const Fact&, const Fact&) = default;
};

// Does the coordinator's core decide on it (state.db), or is it only kept (metrics.db)?
inline bool IsCoreFact(const FactBody& body) {
  return std::holds_alternative<StartedFact>(body) ||
         std::holds_alternative<EvaluationFact>(body) ||
         std::holds_alternative<CheckpointFact>(body) ||
         std::holds_alternative<ArtifactFact>(body) || std::holds_alternative<FinalFact>(body);
}

// --- Worker to coordinator ----------------------------------------------------------------------

// First on every stream.
struct HelloMessage {
  std::uint32_t protocol = 1;
  std::string cluster_id;  // empty until the worker was welcomed once
  std::uint64_t generation = 0;
  WorkerInfo info;
  std::vector<AttemptId> held;  // running here, or ended with facts not yet acknowledged
  friend bool operator==(const HelloMessage&, const HelloMessage&) = default;
};

struct HeartbeatMessage {
  std::uint64_t sequence = 0;
  std::vector<AttemptId> held;
  friend bool operator==(const HeartbeatMessage&, const HeartbeatMessage&) = default;
};

// Consecutive facts of one (attempt, rank).
struct FactsMessage {
  AttemptId attempt;
  std::uint32_t rank = 0;
  std::vector<Fact> facts;
  friend bool operator==(const FactsMessage&, const FactsMessage&) = default;
};

enum class SlotCondition : std::uint8_t { kUsable, kStuck };

// A slot whose process could not be killed is stuck; usable again when the process is gone.
struct SlotMessage {
  std::uint32_t slot = 0;
  SlotCondition condition = SlotCondition::kUsable;
  std::string reason;
  friend bool operator==(const SlotMessage&, const SlotMessage&) = default;
};

// What the worker offers has changed (a data set appeared).
struct InfoMessage {
  WorkerInfo info;
  friend bool operator==(const InfoMessage&, const InfoMessage&) = default;
};

// The worker wants no more work (SIGTERM, end of its allocation); it leaves when idle.
struct LeavingMessage {
  std::string reason;
  friend bool operator==(const LeavingMessage&, const LeavingMessage&) = default;
};

using WorkerMessage = std::variant<HelloMessage, HeartbeatMessage, FactsMessage, SlotMessage,
                                   InfoMessage, LeavingMessage>;

// --- Coordinator to worker ----------------------------------------------------------------------

struct WelcomeMessage {
  std::string cluster_id;
  std::uint64_t generation = 0;
  Duration lease_length{0};
  Duration heartbeat_every{0};
  friend bool operator==(const WelcomeMessage&, const WelcomeMessage&) = default;
};

enum class RefuseReason : std::uint8_t {
  kOtherStreamLives,  // two agents claim one uid
  kOlderIncarnation,
  kOtherCluster,     // drop the attempts, then register anew
  kOtherGeneration,  // the coordinator was restored from a backup: drop the attempts
  kProtocol,
  kFull,
};

// The stream ends after this.
struct RefuseMessage {
  RefuseReason reason = RefuseReason::kProtocol;
  std::string detail;
  friend bool operator==(const RefuseMessage&, const RefuseMessage&) = default;
};

// The coordinator does not know this stream's worker: say Hello again.
struct RegisterAgainMessage {
  friend bool operator==(const RegisterAgainMessage&, const RegisterAgainMessage&) = default;
};

struct InputFiles {
  std::string trial;  // "7.experts.0"
  std::vector<StoredFile> files;
  friend bool operator==(const InputFiles&, const InputFiles&) = default;
};

struct StartMessage {
  AttemptId attempt;
  std::string trial;         // "7.fusion.42"
  std::uint32_t number = 0;  // the attempt's number within its trial, from 1
  std::string name;          // task-42-densenet-multiplicative
  std::string recipe;
  std::string dataset;  // that it needs; empty = none
  int recipe_version = 1;
  std::string config;  // canonical JSON
  std::string precision_used;
  std::vector<std::uint32_t> slots;  // on this worker
  std::uint32_t rank = 0;            // of the first of them
  std::uint32_t world = 1;
  int threads = 0;        // 0 = the slot's share; else fixed by the trial's first attempt
  double memory_gib = 0;  // host memory limit per slot; 0 = none
  Duration time_left{0};  // 0 = no limit
  Duration hang_timeout{0};
  std::int64_t checkpoint_every_steps = 0;
  Duration checkpoint_every{0};
  std::optional<CheckpointFact> resume;
  std::vector<InputFiles> inputs;
  friend bool operator==(const StartMessage&, const StartMessage&) = default;
};

enum class StopMode : std::uint8_t {
  kAbort,              // end at once; facts up to the end still count
  kCheckpointAndStop,  // the outcome is kReleased
  kDrop,               // fenced: end at once and forget everything of it, spool included
};

struct StopMessage {
  AttemptId attempt;
  StopMode mode = StopMode::kAbort;
  std::string reason;
  friend bool operator==(const StopMessage&, const StopMessage&) = default;
};

// Everything up to `number` is committed: trim.
struct AckMessage {
  AttemptId attempt;
  std::uint32_t rank = 0;
  std::uint64_t number = 0;
  friend bool operator==(const AckMessage&, const AckMessage&) = default;
};

struct HeartbeatAckMessage {
  std::uint64_t sequence = 0;
  friend bool operator==(const HeartbeatAckMessage&, const HeartbeatAckMessage&) = default;
};

using CoordinatorMessage = std::variant<WelcomeMessage, RefuseMessage, RegisterAgainMessage,
                                        StartMessage, StopMessage, AckMessage, HeartbeatAckMessage>;

}  // namespace fusor
