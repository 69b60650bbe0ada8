#pragma once

// What a turn of the loop puts into state.db, as data. The store commits all writes of a turn in
// one transaction, in order; only then are the turn's sends performed.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/base/id.h"
#include "common/base/outcome.h"
#include "common/base/session.h"
#include "common/base/time.h"
#include "coordinator/core/state.h"

namespace fusor {

struct PutSweep {
  SweepId id;
  std::string name;
  std::string source;                     // the YAML as submitted
  std::vector<std::string> overrides;     // --set, in order
  std::vector<std::int64_t> extra_seeds;  // by `extend`
  SweepState state = SweepState::kRunning;
  int priority = 50;
  int max_running = 0;
  bool releasing = false;  // paused with --now: what runs was told to checkpoint and stop
  // Data set -> fingerprint, pinned by the first grant that uses it: a sweep never mixes two.
  std::map<std::string, std::string> fingerprints;
  Time submitted;
  Time ended;  // kNever while open
};

// A removed sweep: its rows go, its artifacts become orphans and are swept.
struct RemoveSweep {
  SweepId id;
};

// Upsert. Trials without a row are those never granted and never decided on.
struct PutTrial {
  TrialKey key;
  TrialState state = TrialState::kReady;
  std::uint32_t attempts = 0;  // granted so far
  std::uint32_t crashes = 0;
  std::uint32_t losses = 0;
  std::map<Failure, std::uint32_t> other_failures;  // those that `retry.also` counts, by kind
  Failure failure = Failure::kNone;
  std::string reason;  // why it is in this state, one line
  std::string name;    // task-...
  std::string config_hash;
  std::string params;  // canonical JSON of the parameters
  int threads = 0;
  std::int64_t step = 0;        // last known
  std::int64_t running_ms = 0;  // over all attempts that ended
  std::int64_t limited_ms = 0;  // the part of it that counts against the time limit
  bool has_objective = false;
  double objective = 0;  // best so far
  std::int64_t objective_step = 0;
  std::string precision_used;  // of the attempt that ended it, when another than asked
  Time first_granted = kNever;
  Time ended = kNever;
};

struct PutAttempt {
  AttemptId id;
  TrialKey trial;
  std::uint32_t number = 0;
  AttemptState state = AttemptState::kGranted;
  WorkerId worker;  // of rank 0
  std::vector<std::pair<WorkerId, std::uint32_t>> slots;
  OutcomeKind outcome = OutcomeKind::kSucceeded;  // meaningful when ended
  Failure failure = Failure::kNone;
  int code = 0;
  std::string detail;
  std::int64_t resumed_from_step = -1;
  bool bit_exact = true;
  std::string precision_used;
  std::string info;             // JSON object of the started fact's info
  std::string log_tail;         // last lines, when it failed
  std::string granted_because;  // the placement's reason
  Time granted;
  Time started = kNever;
  Time ended = kNever;
};

// The highest number applied of an attempt's facts, in the transaction of their rows.
struct PutCursor {
  AttemptId attempt;
  std::uint32_t rank = 0;
  std::uint64_t number = 0;
};

struct PutEvaluation {
  AttemptId attempt;
  TrialKey trial;
  std::int64_t step = 0;
  std::int64_t epoch = 0;
  std::string name;
  double value = 0;  // non-finite travels as value 0 and a code; the store converts
  Time time;
  bool again = false;  // takes the place of what earlier attempts told of that step
};

struct PutArtifact {
  ArtifactId id;
  AttemptId attempt;
  TrialKey trial;
  std::string kind;  // checkpoint, model, csv, report, trace, data
  std::int64_t step = 0;
  StoredFile file;
  Time time;
};

struct RemoveArtifact {
  ArtifactId id;
};

struct PutWorker {
  WorkerId id;
  WorkerInfo info;
  std::string state;  // connected, suspect, gone, draining
  std::string reason;
  bool draining = false;
  Time drain_deadline = kNever;
  std::vector<std::string> slot_notes;  // per slot: empty, "quarantined: ...", "stuck: ..."
  Time seen;
};

// What happened, when, why, caused by what. Events are the cursor of every Watch.
struct PutEvent {
  EventId id;
  Time time;
  std::string kind;  // "trial_moved", "worker_lost", "sweep_submitted", ...
  SweepId sweep;     // 0 = none, as below
  TrialKey trial;    // meaningful when has_trial
  bool has_trial = false;
  AttemptId attempt;
  WorkerId worker;
  std::string detail;  // "running -> failed", one line
  std::string reason;
};

// Same id with the same content within kRequestIdKept = the same answer.
struct PutRequest {
  std::string request_id;
  std::string content_sha256;
  SweepId sweep;            // what it made or touched
  std::uint64_t count = 0;  // how many trials it touched, as the reply said
  Time time;
};

using Write = std::variant<PutSweep, RemoveSweep, PutTrial, PutAttempt, PutCursor, PutEvaluation,
                           PutArtifact, RemoveArtifact, PutWorker, PutEvent, PutRequest>;

}  // namespace fusor
