#pragma once

// What must hold whatever happens, checked from outside: the oracles see what was committed, sent
// and started, never what the cores believe. Each has a name; docs/testing.md shows a bug that it
// catches.

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "common/base/session.h"
#include "tests/sim/fake_store.h"
#include "tests/sim/plan.h"

namespace fusor::sim {

class Oracle {
 public:
  // All references outlive the oracle.
  Oracle(const WorldPlan& plan, const FakeStateStore& state, const FakeMetricsStore& metrics,
         const std::map<SweepId, std::shared_ptr<const SweepSpec>>& specs)
      : plan_(plan), state_(state), metrics_(metrics), specs_(specs) {}

  // Before the writes reach the store.
  void OnCommit(std::span<const Write> writes);
  // A message whose turn is committed.
  void OnSend(const CoordinatorMessage& message);
  void OnSubmitAnswered(SweepId sweep);
  // An agent has numbered and spooled a fact.
  void OnFact(AttemptId attempt, std::uint32_t rank, const Fact& fact);
  // A trial's process read its inputs.
  void OnInputRead(const TrialKey& input, std::uint64_t state);
  // When everything has settled.
  void AtEnd(const std::map<std::string, std::uint64_t>& final_states);

  void Fail(const std::string& oracle, const std::string& what);
  bool failed() const { return !failure_.empty(); }
  const std::string& failure() const { return failure_; }

 private:
  void Check(const PutSweep& row) { sweeps_[row.id] = row.state; }
  void Check(const PutAttempt& row);
  void Check(const PutTrial& row);
  void Check(const PutEvent& row);
  void Check(const PutCursor& row);
  bool MetricsHold(AttemptId attempt, std::uint32_t rank, std::uint64_t number) const;
  void CheckGrant(const PutAttempt& row);
  void CheckSlots(const PutAttempt& row);
  void CheckInputsSucceeded(const PutAttempt& row);
  void CheckSeries(const PutTrial& trial);
  void CheckObjective(const PutTrial& trial);
  void CheckEndOfTrial(const PutTrial& trial);

  const WorldPlan& plan_;
  const FakeStateStore& state_;
  const FakeMetricsStore& metrics_;
  const std::map<SweepId, std::shared_ptr<const SweepSpec>>& specs_;
  std::string failure_;
  std::map<SweepId, SweepState> sweeps_;
  // Numbers of the metric facts of each (attempt, rank): ground truth for what must be stored.
  std::map<std::pair<AttemptId, std::uint32_t>, std::set<std::uint64_t>> metric_facts_;
  // What the commit under check has changed so far, over the store.
  std::map<AttemptId, PutAttempt> attempts_;
  std::map<TrialKey, PutTrial> trials_;
  std::map<TrialKey, std::uint32_t> newest_;  // newest attempt number granted
  std::map<std::pair<WorkerId, std::uint32_t>, AttemptId> slot_owner_;
  std::map<SweepId, int> running_;
  EventId last_event_;
  AttemptId last_attempt_;
};

std::string ToText(const TrialKey& key);

}  // namespace fusor::sim
