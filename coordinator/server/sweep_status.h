#pragma once

// What is known of a sweep: its row, its grids, the states of all its trials (cells without a row
// too), and the sums over its attempts. Reader threads.

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "common/base/status.h"
#include "coordinator/core/state.h"
#include "coordinator/server/edge.h"
#include "coordinator/server/spec_cache.h"
#include "coordinator/store/state_reader.h"

namespace fusor {

using StateCounts = std::array<std::uint64_t, kTrialStates>;

struct SweepStatus {
  PutSweep row;
  std::shared_ptr<const SweepModel> model;
  SweepTotals totals;
  std::optional<PutTrial> best;
  std::vector<StateCounts> counts;  // by stage
  std::uint64_t slots_fitting = 0;  // of the slots now present; 0 = unknown
  Time now{};

  StateCounts AllCounts() const;
  bool complete() const;  // every trial is terminal
  // From the first start to the last end, or to now while something may still run.
  std::int64_t wall_ms() const;
  // The share of the slots that could run it which it used over that time; 0 = unknown.
  double utilisation() const;
};

// Sums over a sweep's attempts are kept while nothing can have changed, and for a second otherwise.
class SweepStatusReader {
 public:
  // The edge outlives the reader and may be filled in after it was made.
  explicit SweepStatusReader(const Edge& edge) : edge_(edge) {}

  // In the order of the rows, which hold their source.
  Result<std::vector<SweepStatus>> Read(std::vector<PutSweep> rows);
  // One, with the slots that fit.
  Result<SweepStatus> Read(SweepId sweep);

 private:
  struct Kept {
    Time at{};
    Time ended{};
    SweepTotals totals;
    std::optional<PutTrial> best;
  };

  Result<Kept> Sums(const PutSweep& row, const SweepModel& model, Time now);

  const Edge& edge_;
  std::mutex mu_;
  std::unordered_map<std::uint64_t, Kept> kept_;  // guarded by mu_
};

}  // namespace fusor
