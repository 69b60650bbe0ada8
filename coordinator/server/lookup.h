#pragma once

// From what a request names to what it means: the sweep, the trial, the worker. Reader threads.

#include <memory>
#include <string>

#include "common/base/id.h"
#include "common/base/status.h"
#include "coordinator/core/snapshot.h"
#include "coordinator/server/readers.h"
#include "coordinator/server/spec_cache.h"

namespace fusor {

// 0 = the newest.
Result<SweepId> ResolveSweep(std::uint64_t sweep, Readers& readers);

struct ResolvedTrial {
  TrialKey key;
  std::shared_ptr<const SweepModel> model;
};
// kNotFound unless it is a trial of the sweep's grid.
Result<ResolvedTrial> ResolveTrial(const std::string& text, Readers& readers, SpecCache& specs);
Result<ResolvedTrial> ResolveTrial(const TrialKey& key, Readers& readers, SpecCache& specs);

// By number, uid or name, or the unique beginning of one of the latter.
Result<WorkerId> FindWorker(const std::vector<PutWorker>& workers, const std::string& text);

}  // namespace fusor
