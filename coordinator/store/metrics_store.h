#pragma once

// metrics.db: series, points, log lines, progress. Written by its own thread in large transactions.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/id.h"
#include "common/base/session.h"
#include "common/base/status.h"
#include "coordinator/store/connection_gate.h"

namespace fusor {

// Facts of one (attempt, rank), consecutive. All kinds come here: the cursor covers every number,
// rows are made of metrics, logs, progress and evaluations (stored as points too); a started fact
// tells where the attempt took over from the one before.
struct FactsForMetrics {
  AttemptId attempt;
  TrialKey trial;
  std::uint32_t rank = 0;
  std::vector<Fact> facts;
  // Nothing up to this number is missing, whatever the cursor says: runs of core facts alone never
  // come here (state.db's cursor covers them), so the cursor may lag. A gap is a gap behind the
  // higher one.
  std::uint64_t floor = 0;
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
  // cursor are skipped, so a repeat is harmless. A batch that would leave a gap behind the cursor
  // and its floor is left out whole, and Cursor() stays where it was. Errors as StateStore::Commit.
  virtual Status Commit(std::span<const FactsForMetrics> batches) = 0;

  // The highest number applied of an (attempt, rank); 0 = none.
  virtual Result<std::uint64_t> Cursor(AttemptId attempt, std::uint32_t rank) = 0;

  // Points of the trial's earlier attempts at steps after `step` are superseded: attempt `by`
  // resumed there. Committing the attempt's started fact does the same.
  virtual Status Supersede(TrialKey trial, AttemptId by, std::int64_t step) = 0;

  // Removes a slice of what a deleted sweep left, in a transaction of its own. True while there is
  // more.
  virtual Result<bool> RemoveSlice(SweepId sweep) = 0;
  // Those that rows are of.
  virtual Result<std::vector<SweepId>> Sweeps() = 0;

  virtual std::uint64_t wal_bytes() const = 0;
  // For readers. The store must outlive them.
  virtual ReadDoor read_door() = 0;

  virtual Status Close() = 0;
};

}  // namespace fusor
