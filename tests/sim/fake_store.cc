#include "tests/sim/fake_store.h"

#include <algorithm>
#include <variant>

namespace fusor::sim {

struct FakeStateStore::Apply {
  FakeStateStore& store;

  void operator()(const PutSweep& row) const {
    store.sweeps_[row.id] = row;
    store.last_sweep_ = std::max(store.last_sweep_, row.id);
  }
  void operator()(const RemoveSweep& row) const {
    store.sweeps_.erase(row.id);
    std::erase_if(store.trials_, [&](const auto& it) { return it.first.sweep == row.id; });
    std::erase_if(store.attempts_, [&](const auto& it) { return it.second.trial.sweep == row.id; });
    std::erase_if(store.artifacts_,
                  [&](const auto& it) { return it.second.trial.sweep == row.id; });
  }
  void operator()(const PutTrial& row) const { store.trials_[row.key] = row; }
  void operator()(const PutAttempt& row) const { store.attempts_[row.id] = row; }
  void operator()(const PutCursor& row) const {
    store.cursors_[{row.attempt, row.rank}] = row.number;
  }
  void operator()(const PutEvaluation& row) const {
    store.evaluations_[{row.attempt, row.name, row.step}] = row.value;
  }
  void operator()(const PutArtifact& row) const {
    store.artifacts_[row.id] = row;
    store.last_artifact_ = std::max(store.last_artifact_, row.id);
  }
  void operator()(const RemoveArtifact& row) const { store.artifacts_.erase(row.id); }
  void operator()(const PutWorker& row) const { store.workers_[row.id] = row; }
  void operator()(const PutEvent& row) const { store.events_.push_back(row); }
  void operator()(const PutRequest& row) const { store.requests_[row.request_id] = row; }
};

void FakeStateStore::Commit(std::span<const Write> writes) {
  for (const Write& write : writes) std::visit(Apply{*this}, write);
}

bool FakeStateStore::Counts(const PutAttempt& attempt, std::int64_t step) const {
  for (auto it = attempts_.upper_bound(attempt.id); it != attempts_.end(); ++it) {
    const PutAttempt& later = it->second;
    if (later.trial == attempt.trial && later.started != kNever && later.resumed_from_step < step) {
      return false;
    }
  }
  return true;
}

Snapshot FakeStateStore::Load(
    const std::map<SweepId, std::shared_ptr<const SweepSpec>>& specs) const {
  Snapshot snapshot;
  for (const auto& [id, row] : sweeps_) {
    Snapshot::Sweep sweep{.row = row, .spec = specs.at(id), .terminal = {}};
    for (const auto& [key, trial] : trials_) {
      if (key.sweep == id && IsTerminal(trial.state)) {
        sweep.terminal.push_back({.stage = key.stage, .cell = key.cell, .state = trial.state});
      }
    }
    snapshot.sweeps.push_back(std::move(sweep));
  }
  for (const auto& [key, trial] : trials_) {
    if (trial.state != TrialState::kSucceeded) snapshot.live_trials.push_back(trial);
  }
  for (const auto& [id, attempt] : attempts_) {
    snapshot.last_attempt = std::max(snapshot.last_attempt, id);
    if (attempt.state != AttemptState::kGranted && attempt.state != AttemptState::kRunning)
      continue;
    snapshot.live_attempts.push_back(attempt);
    for (const auto& [key, number] : cursors_) {
      if (key.first == id) {
        snapshot.cursors.push_back({.attempt = id, .rank = key.second, .number = number});
      }
    }
  }
  for (const auto& [id, artifact] : artifacts_) snapshot.artifacts.push_back(artifact);
  for (const auto& [key, value] : evaluations_) {
    const auto& [id, name, step] = key;
    const auto attempt = attempts_.find(id);
    if (attempt == attempts_.end() || !Counts(attempt->second, step)) continue;
    const auto spec = specs.find(attempt->second.trial.sweep);
    if (spec == specs.end() || spec->second->objective.metric != name) continue;
    snapshot.objectives.push_back({.attempt = id,
                                   .trial = attempt->second.trial,
                                   .step = step,
                                   .name = name,
                                   .value = value});
  }
  for (const auto& [id, worker] : workers_) {
    snapshot.workers.push_back(worker);
    snapshot.last_worker = std::max(snapshot.last_worker, id);
  }
  for (const auto& [id, request] : requests_) snapshot.requests.push_back(request);
  if (!events_.empty()) snapshot.last_event = events_.back().id;
  snapshot.last_artifact = last_artifact_;
  snapshot.last_sweep = last_sweep_;
  return snapshot;
}

void FakeMetricsStore::Commit(AttemptId attempt, std::uint32_t rank,
                              const std::vector<Fact>& facts) {
  std::uint64_t& cursor = cursors_[{attempt, rank}];
  for (const Fact& fact : facts) {
    if (fact.number <= cursor) continue;
    cursor = fact.number;
    const auto* metrics = std::get_if<MetricsFact>(&fact.body);
    if (metrics == nullptr) continue;
    for (std::size_t i = 0; i < metrics->names.size(); ++i) {
      for (std::size_t j = 0; j < metrics->steps.size(); ++j) {
        points_[{attempt, metrics->names[i], metrics->steps[j]}] = {.value = metrics->values[i][j],
                                                                    .fact = fact.number};
      }
    }
  }
}

std::uint64_t FakeMetricsStore::Cursor(AttemptId attempt, std::uint32_t rank) const {
  const auto found = cursors_.find({attempt, rank});
  return found == cursors_.end() ? 0 : found->second;
}

}  // namespace fusor::sim
