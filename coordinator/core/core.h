#pragma once

// The coordinator's decisions: a pure state machine. Owned by one thread, the loop. No clock, file,
// socket or random device: time and everything else comes in with the events, what is to be done
// goes out as Effects.
//
// A turn: Apply() for each drained event with one `now`, then Schedule() once, then the edge
// commits effects.writes in one transaction, then performs effects.sends.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/limits.h"
#include "coordinator/core/effect.h"
#include "coordinator/core/event.h"
#include "coordinator/core/snapshot.h"

namespace fusor {

struct CoreOptions {
  std::string cluster_id;
  std::uint64_t generation = 1;
  Duration lease_length;
  Duration heartbeat_every;
  Duration start_deadline;
  Duration gang_patience = limits::kGangPatience;
};

class Core {
 public:
  explicit Core(CoreOptions options);
  // What state.db held: restores everything, gives every lease its full length from `now`.
  Core(CoreOptions options, const Snapshot& snapshot, Time now);
  ~Core();

  void Apply(const Event& event, Time now, Effects& effects);

  // Places ready trials on free slots when something changed since the last call.
  void Schedule(Time now, Effects& effects);

  // The next moment at which Tick has something to do; kNever when idle.
  Time NextDeadline() const;

  Explanation Explain(const TrialKey& trial, Time now) const;

  // For plan and views: how many slots could ever run the requirement, and what is missing.
  FitReport Fit(const Requirement& requirement) const;

  // Views of live state, for List and Watch. Cheap; the loop thread only.
  CoreView View() const;
  SweepView ViewSweep(SweepId sweep) const;
  TrialView ViewTrial(const TrialKey& trial) const;
  // The states of `count` cells from `from` on; cells that are no trials are nothing.
  std::vector<std::optional<TrialState>> States(SweepId sweep, std::uint32_t stage,
                                                std::uint64_t from, std::uint64_t count) const;
  // Nothing when the attempt is not live: what still comes of it is refused.
  std::optional<AttemptView> FindAttempt(AttemptId attempt) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fusor
