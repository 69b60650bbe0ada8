#pragma once

// Sweeps as readers need them: the validated spec and the arithmetic of its grids, parsed again
// from the stored source when needed. Any thread.

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/id.h"
#include "common/base/status.h"
#include "coordinator/core/grid.h"
#include "coordinator/core/spec.h"
#include "coordinator/core/write.h"
#include "coordinator/store/state_reader.h"

namespace fusor {

// Never changes once made, so any number of calls share it.
struct SweepModel {
  std::shared_ptr<const SweepSpec> spec;
  std::vector<std::unique_ptr<Grid>> grids;  // by stage; their trials are counted already
  std::vector<std::string> stage_names;

  std::uint64_t TrialCount() const;
  const Grid& grid(std::uint32_t stage) const { return *grids[stage]; }
};

// What StateStore::Load wants: the spec of a stored sweep, further seeds included.
Result<std::shared_ptr<const SweepSpec>> ParseStoredSweep(const PutSweep& row);

class SpecCache {
 public:
  explicit SpecCache(std::size_t sweeps_max = 256) : sweeps_max_(sweeps_max) {}

  // kNotFound when there is no such sweep.
  Result<std::shared_ptr<const SweepModel>> Get(SweepId sweep, StateReader& reader);
  // Of a row that was read just now, with its source.
  Result<std::shared_ptr<const SweepModel>> Get(const PutSweep& row);

 private:
  struct Entry {
    std::vector<std::int64_t> extra_seeds;  // the model is of the sweep with these
    std::shared_ptr<const SweepModel> model;
    std::list<std::uint64_t>::iterator place;
  };

  std::shared_ptr<const SweepModel> Find(const PutSweep& row);
  void Keep(const PutSweep& row, const std::shared_ptr<const SweepModel>& model);

  const std::size_t sweeps_max_;
  std::mutex mu_;
  std::unordered_map<std::uint64_t, Entry> entries_;  // guarded by mu_, as below
  std::list<std::uint64_t> order_;                    // least recently used first
};

}  // namespace fusor
