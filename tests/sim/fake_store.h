#pragma once

// The two databases of the simulated coordinator: what is in here survives its crashes. Same
// contract as coordinator/store: a Commit is all or nothing, cursors make repeats harmless.

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "coordinator/core/snapshot.h"
#include "coordinator/core/write.h"

namespace fusor::sim {

class FakeStateStore {
 public:
  void Commit(std::span<const Write> writes);
  // `specs` stands for parsing the stored source again.
  Snapshot Load(const std::map<SweepId, std::shared_ptr<const SweepSpec>>& specs) const;

  // What the attempt reported at the step counts: no later attempt took over before it.
  bool Counts(const PutAttempt& attempt, std::int64_t step) const;

  const std::map<SweepId, PutSweep>& sweeps() const { return sweeps_; }
  const std::map<TrialKey, PutTrial>& trials() const { return trials_; }
  const std::map<AttemptId, PutAttempt>& attempts() const { return attempts_; }
  const std::map<std::pair<AttemptId, std::uint32_t>, std::uint64_t>& cursors() const {
    return cursors_;
  }
  const std::map<ArtifactId, PutArtifact>& artifacts() const { return artifacts_; }
  const std::map<std::tuple<AttemptId, std::string, std::int64_t>, double>& evaluations() const {
    return evaluations_;
  }
  const std::vector<PutEvent>& events() const { return events_; }
  const std::map<WorkerId, PutWorker>& workers() const { return workers_; }

 private:
  struct Apply;

  std::map<SweepId, PutSweep> sweeps_;
  std::map<TrialKey, PutTrial> trials_;
  std::map<AttemptId, PutAttempt> attempts_;
  std::map<std::pair<AttemptId, std::uint32_t>, std::uint64_t> cursors_;
  std::map<std::tuple<AttemptId, std::string, std::int64_t>, double> evaluations_;
  std::map<ArtifactId, PutArtifact> artifacts_;
  std::map<WorkerId, PutWorker> workers_;
  std::vector<PutEvent> events_;
  std::map<std::string, PutRequest> requests_;
  ArtifactId last_artifact_;
  SweepId last_sweep_;
};

struct MetricPoint {
  double value = 0;
  std::uint64_t fact = 0;
};

class FakeMetricsStore {
 public:
  // Facts at or below the cursor are skipped. Numbers may be missing: those concern state.db alone.
  void Commit(AttemptId attempt, std::uint32_t rank, const std::vector<Fact>& facts);
  std::uint64_t Cursor(AttemptId attempt, std::uint32_t rank) const;

  using PointKey = std::tuple<AttemptId, std::string, std::int64_t>;
  const std::map<PointKey, MetricPoint>& points() const { return points_; }

 private:
  std::map<std::pair<AttemptId, std::uint32_t>, std::uint64_t> cursors_;
  std::map<PointKey, MetricPoint> points_;
};

}  // namespace fusor::sim
