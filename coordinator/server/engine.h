#pragma once

// What one turn of the loop does, without the thread: apply the inputs to the core, commit, then
// send. A failed commit freezes the engine: the turn's effects are kept and only Retry() goes on
// with them. Owned by the loop thread.

#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/status.h"
#include "common/base/time.h"
#include "coordinator/core/core.h"
#include "coordinator/core/effect.h"
#include "coordinator/server/fact_router.h"
#include "coordinator/server/input.h"
#include "coordinator/server/stats.h"
#include "coordinator/store/state_store.h"

namespace fusor {

// What a commit put on disk that others wait for.
struct Committed {
  EventId last_event;
  std::vector<AttemptId> ended_attempts;
  std::vector<ArtifactId> removed_artifacts;
  std::vector<SweepId> removed_sweeps;
};

// Performs what the core wants sent. Called on the loop thread, after the commit; never blocks.
class Outbox {
 public:
  virtual ~Outbox() = default;
  virtual void ToWorker(SessionId session, std::vector<CoordinatorMessage> messages) = 0;
  virtual void Close(SessionId session, const std::string& reason) = 0;
  virtual void Answer(const Reply& reply) = 0;
  virtual void OnCommitted(const Committed& committed) = 0;
};

class Engine {
 public:
  struct Parts {
    CommitTarget* store = nullptr;
    MetricsQueue* metrics = nullptr;
    Outbox* outbox = nullptr;
    Stats* stats = nullptr;
  };
  // A new or restored core; the engine learns the running attempts from the snapshot.
  Engine(std::unique_ptr<Core> core, const Snapshot& snapshot, const Parts& parts);

  // One turn. Returns what kept it from being committed. Requires !frozen().
  Status Turn(std::span<Input> inputs, Time now);
  // Tries the frozen turn's commit again and goes on with its sends. Requires frozen().
  Status Retry(Time now);
  bool frozen() const { return frozen_; }
  Time NextDeadline() const { return core_->NextDeadline(); }
  // Rows of removed sweeps are still to be cleared away: turns without inputs are worth while.
  bool has_cleanup() const { return parts_.store->has_cleanup(); }

 private:
  struct Bundle {
    SessionId session;
    std::vector<CoordinatorMessage> messages;
    const CloseStream* close = nullptr;
  };

  void Take(Input& input, Time now);
  void TakeMessages(WorkerMessages& batch, Time now);
  void TakeVerdict(FactRouter::Verdict verdict, Time now);
  void Apply(const Event& event, Time now);
  // Shows the router what the core has decided since the last call.
  void Follow();
  Status Commit();
  void Send();
  void Notify();
  void Ask(Time now);
  Bundle& BundleOf(SessionId session);

  std::unique_ptr<Core> core_;
  const Parts parts_;
  FactRouter router_;
  Effects effects_;
  std::size_t writes_followed_ = 0;
  std::size_t sends_followed_ = 0;
  Committed committed_;
  std::vector<Query> queries_;
  bool frozen_ = false;
  std::uint64_t commits_ = 0;

  std::vector<Bundle> bundles_;  // kept between turns for their memory
  std::size_t bundles_used_ = 0;
  std::unordered_map<std::uint64_t, std::size_t> bundle_of_;
};

}  // namespace fusor
