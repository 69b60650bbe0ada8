#pragma once

// metrics.db: series, points, log lines, progress. Written by its own thread in large transactions.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/id.h"
#include "common/base/session.h"
#include "common/base/status.h"

namespace fusor {

// Facts of one (attempt, rank), consecutive. All kinds come here: the cursor covers every number, rows
// are made of metrics, logs, progress and evaluations (stored as points too).
struct FactsForMetrics {
  AttemptId attempt;
  TrialKey trial;
  std::uint32_t rank = 0;
  std::vector<Fact> facts;
};

class MetricsStore {
 public:
  struct Options {
    std::filesystem::path directory;
    bool exclusive = false;
  };

  static Result<std::unique_ptr<MetricsStore>> Open(const Options& options);
  virtual ~MetricsStore() = default;

  // All batches in one synced transaction together with their cursors. Facts at or below the stored
  // cursor are skipped, so a repeat is harmless. Errors as StateStore::Commit.
  virtual Status Commit(std::span<const FactsForMetrics> batches) = 0;

  // The highest number applied of an (attempt, rank); 0 = none.
  virtual Result<std::uint64_t> Cursor(AttemptId attempt, std::uint32_t rank) = 0;

  // Points of the trial's earlier attempts at steps after `step` are superseded: attempt resumed there.
  virtual Status Supersede(TrialKey trial, AttemptId by, std::int64_t step) = 0;

  virtual Status RemoveSweep(SweepId sweep) = 0;
  virtual Status Close() = 0;
};

}  // namespace fusor
