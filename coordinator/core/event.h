#pragma once

// What happens to the core: everything it is told, as data.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/id.h"
#include "common/base/session.h"
#include "common/base/status.h"
#include "common/base/time.h"
#include "coordinator/core/spec.h"
#include "coordinator/core/write.h"

namespace fusor {

// --- From workers -------------------------------------------------------------------------------

struct StreamOpened {
  SessionId session;
};

struct StreamClosed {
  SessionId session;
};

// A message, in the order in which the stream delivered them. Of a FactsMessage only the facts come
// that metrics.db already holds, or that it need not hold; see FactsStored.
struct MessageArrived {
  SessionId session;
  WorkerMessage message;
};

// metrics.db has committed everything of the attempt up to `number`; the core facts among them
// (IsCoreFact) are here, in order. The core applies them, and acknowledges up to `number`.
struct FactsStored {
  SessionId session;
  AttemptId attempt;
  std::uint32_t rank = 0;
  std::uint64_t number = 0;
  std::vector<Fact> core_facts;
};

// --- From clients. `call` gets exactly one Reply ------------------------------------------------

struct Request {
  CallId call;
  std::string request_id;
  std::string content_sha256;  // of the request's content, to tell a repeat from a clash
};

struct SubmitSweep {
  Request request;
  std::shared_ptr<const SweepSpec> spec;  // shared with the server's readers; never written to
  std::string source;
  std::vector<std::string> overrides;
};

struct CancelSweep {
  Request request;
  SweepId sweep;
  std::string reason;
};

struct PauseSweep {
  Request request;
  SweepId sweep;
  bool now = false;  // also checkpoint and release what runs
};

struct ResumeSweep {
  Request request;
  SweepId sweep;
};

struct SetSweep {
  Request request;
  SweepId sweep;
  std::optional<int> priority;
  std::optional<int> max_running;
};

struct ExtendSweep {
  Request request;
  SweepId sweep;
  std::vector<std::int64_t> seeds;
  std::shared_ptr<const SweepSpec> spec;  // the sweep's spec with the further seeds
  // How many further seeds the sweep had when `spec` was made; another number now refuses it.
  std::optional<std::size_t> seeds_before;
};

struct DeleteSweep {
  Request request;
  SweepId sweep;
};

// Retries failed, canceled or skipped trials: the given cells, or all of the sweep that failed.
struct RetryTrials {
  Request request;
  SweepId sweep;
  std::vector<TrialKey> trials;  // empty = every failed one
};

struct CancelTrials {
  Request request;
  std::vector<TrialKey> trials;
};

struct DrainWorker {
  Request request;
  WorkerId worker;
  Time deadline = kNever;  // then checkpoint and hand back
  std::string reason;
};

// Ends a drain and releases quarantined slots.
struct ResumeWorker {
  Request request;
  WorkerId worker;
};

// The server found a request wrong before the core saw it: what it names is gone, say. If it is the
// repeat of one that was granted, it gets that answer all the same.
struct RefuseRequest {
  Request request;
  Status status;
};

// --- From the loop ------------------------------------------------------------------------------

// Time has passed. The core says by NextDeadline() when it wants to be told at the latest.
struct Tick {};

using Event =
    std::variant<StreamOpened, StreamClosed, MessageArrived, FactsStored, SubmitSweep, CancelSweep,
                 PauseSweep, ResumeSweep, SetSweep, ExtendSweep, DeleteSweep, RetryTrials,
                 CancelTrials, DrainWorker, ResumeWorker, RefuseRequest, Tick>;

}  // namespace fusor
