#pragma once

// A data directory of the test's own, and rows to fill it with.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "coordinator/core/snapshot.h"
#include "coordinator/core/write.h"
#include "coordinator/store/metrics_store.h"
#include "coordinator/store/sqlite.h"
#include "coordinator/store/state_store.h"

namespace fusor {

// Removed with everything in it at the end.
class TempDirectory {
 public:
  TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  ~TempDirectory();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline Time At(std::int64_t millis) { return FromUnixMillis(1'700'000'000'000 + millis); }
inline TrialKey Key(std::uint64_t sweep, std::uint32_t stage, std::uint64_t cell) {
  return {SweepId{sweep}, stage, cell};
}

// Rows with something in every column.
PutSweep SampleSweep(std::uint64_t id);
PutTrial SampleTrial(const TrialKey& key, TrialState state);
PutAttempt SampleAttempt(std::uint64_t id, const TrialKey& trial, std::uint32_t number,
                         AttemptState state);
PutArtifact SampleArtifact(std::uint64_t id, const TrialKey& trial, const std::string& kind,
                           const std::string& sha256);
PutEvent SampleEvent(std::uint64_t id, const TrialKey& trial);
PutEvaluation SampleEvaluation(std::uint64_t attempt, const TrialKey& trial, std::int64_t step,
                               const std::string& name, double value);
PutWorker SampleWorker(std::uint64_t id);

// A spec of two stages, the second of which needs the first.
Result<std::shared_ptr<const SweepSpec>> ParseSample(const PutSweep& row);

// Opens, and fails the test when that fails.
std::unique_ptr<StateStore> OpenState(const TempDirectory& directory);
std::unique_ptr<MetricsStore> OpenMetrics(const TempDirectory& directory);

// A connection besides the store's, for what other programs do to the file.
sql::Database OpenBeside(const TempDirectory& directory, const std::string& name);

}  // namespace fusor
