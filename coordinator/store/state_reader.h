#pragma once

// Reads of state.db for everybody but the core: a few read-only connections, used from any thread.
// Each call takes a free connection (or waits for one), reads one consistent state, and gives it
// back. Cells without a row (never granted, never decided on) are not here: the server merges them
// in by (stage, cell), the order in which trials come.
//
// Lifetime rule: the StateStore lives longer.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "coordinator/core/state.h"
#include "coordinator/core/write.h"
#include "coordinator/store/connection_gate.h"

namespace fusor {

class ReaderPool;

// A place in the order of a sweep's trials.
struct TrialPosition {
  std::uint32_t stage = 0;
  std::uint64_t cell = 0;
  friend auto operator<=>(const TrialPosition&, const TrialPosition&) = default;
};

struct SweepQuery {
  std::optional<SweepId> before;   // go on with the sweeps older than this one
  std::vector<SweepState> states;  // empty = all
  std::size_t limit = 100;
  bool with_source = false;  // else PutSweep::source stays empty
};

struct TrialQuery {
  SweepId sweep;
  std::optional<TrialPosition> after;
  std::optional<std::uint32_t> stage;
  std::vector<TrialState> states;  // empty = all
  std::size_t limit = 1'000;
};

// What a sweep has taken so far.
struct SweepTotals {
  // Trials with a row, by TrialState.
  std::map<std::uint32_t, std::array<std::uint64_t, kTrialStates>> stages;
  std::int64_t running_ms = 0;  // over all attempts; live ones count up to `now`
  std::int64_t slot_ms = 0;     // the same, times the slots each held
  Time first_started = kNever;  // of any attempt
  Time last_ended = kNever;
};

enum class Goal : std::uint8_t { kMaximize, kMinimize };

struct ArtifactQuery {
  SweepId sweep;
  std::optional<TrialKey> trial;
  std::vector<std::string> kinds;  // empty = all
  ArtifactId after;
  std::size_t limit = 1'000;
};

// One evaluated value of one trial.
struct TrialValue {
  TrialPosition trial;
  std::string metric;
  std::int64_t step = 0;
  double value = 0;  // may be NaN or infinite
};

class StateReader {
 public:
  static Result<std::unique_ptr<StateReader>> Open(const ReadDoor& door, int connections);
  ~StateReader();

  // Newest first.
  Result<std::vector<PutSweep>> ListSweeps(const SweepQuery& query);
  // kNotFound when there is none.
  Result<PutSweep> GetSweep(SweepId sweep);
  Result<SweepId> NewestSweep();
  Result<SweepTotals> Totals(SweepId sweep, Time now);
  // The trial with the best objective so far, of those that fit; one that is not finite is never
  // best, nor is a trial that did not succeed.
  using Fits = std::function<bool(const TrialPosition&)>;
  Result<std::optional<PutTrial>> Best(SweepId sweep, std::optional<std::uint32_t> stage, Goal goal,
                                       const Fits& fits = nullptr);

  // In the order of (stage, cell).
  Result<std::vector<PutTrial>> ListTrials(const TrialQuery& query);
  Result<std::uint64_t> CountTrials(const TrialQuery& query);  // `after` and `limit` do not matter
  // Just where rows are, and their states: to merge with the cells that have none.
  struct TrialStateAt {
    TrialPosition position;
    TrialState state = TrialState::kReady;
  };
  Result<std::vector<TrialStateAt>> ListStates(const TrialQuery& query);
  Result<std::optional<PutTrial>> FindTrial(const TrialKey& trial);

  // By number.
  Result<std::vector<PutAttempt>> Attempts(const TrialKey& trial);
  Result<std::vector<PutAttempt>> LiveAttempts(std::optional<SweepId> sweep);

  // After the cursor, oldest first. Without a sweep: of all of them, and what belongs to none.
  Result<std::vector<PutEvent>> Events(std::optional<SweepId> sweep, EventId after,
                                       std::size_t limit);
  // Oldest first. It walks the events since the sweep was submitted: for people, not for loops.
  Result<std::vector<PutEvent>> EventsOf(const TrialKey& trial, std::size_t limit);
  Result<EventId> LastEvent();

  // By id.
  Result<std::vector<PutArtifact>> Artifacts(const ArtifactQuery& query);
  Result<std::optional<PutArtifact>> FindArtifact(ArtifactId id);
  // Any row that names this content.
  Result<std::optional<PutArtifact>> FindContent(const std::string& sha256);

  // Evaluations that no later attempt superseded, by (step, name).
  Result<std::vector<PutEvaluation>> Evaluations(const TrialKey& trial);
  // What a results table shows: for each trial with a row and each metric, the value at the step of
  // its best objective, or the latest before it; without an objective, the latest of all.
  // Superseded evaluations do not count. By (stage, cell), then in the order of `metrics`.
  Result<std::vector<TrialValue>> ResultValues(SweepId sweep,
                                               const std::vector<std::string>& metrics);

  Result<std::vector<PutWorker>> Workers();

  // Contents whose last row is gone, and whether a row has come back since.
  Result<std::vector<std::string>> GarbageContents(std::size_t limit);
  Result<bool> IsReferenced(const std::string& sha256);

  // Calls that have held a connection for longer than `age`: they keep the log from starting over.
  std::vector<std::string> LongReads(Duration age) const;

 private:
  explicit StateReader(std::unique_ptr<ReaderPool> pool);

  std::unique_ptr<ReaderPool> pool_;
};

}  // namespace fusor
