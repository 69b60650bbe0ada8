#include "coordinator/server/spec_cache.h"

#include <utility>

#include "coordinator/spec/extend.h"
#include "coordinator/spec/parse.h"

namespace fusor {

std::uint64_t SweepModel::TrialCount() const {
  std::uint64_t count = 0;
  for (const auto& each : grids) count += each->TrialCount();
  return count;
}

Result<std::shared_ptr<const SweepSpec>> ParseStoredSweep(const PutSweep& row) {
  SpecReport report = ParseSweep(row.source, row.overrides);
  if (!report.spec) {
    return DataLoss("the stored file of sweep " + std::to_string(row.id.value) +
                    " is not understood by this version: " +
                    ProblemsText(report.problems, "sweep " + std::to_string(row.id.value)));
  }
  if (row.extra_seeds.empty()) return std::make_shared<const SweepSpec>(std::move(*report.spec));
  Result<SweepSpec> extended = ExtendSeeds(*report.spec, row.extra_seeds);
  if (!extended.ok()) return extended.status();
  return std::make_shared<const SweepSpec>(std::move(*extended));
}

Result<std::shared_ptr<const SweepModel>> SpecCache::Get(SweepId sweep, StateReader& reader) {
  Result<PutSweep> row = reader.GetSweep(sweep);
  if (!row.ok()) return row.status();
  return Get(*row);
}

Result<std::shared_ptr<const SweepModel>> SpecCache::Get(const PutSweep& row) {
  if (auto found = Find(row)) return found;
  Result<std::shared_ptr<const SweepSpec>> spec = ParseStoredSweep(row);
  if (!spec.ok()) return spec.status();
  auto model = std::make_shared<SweepModel>();
  model->spec = *spec;
  for (const StageSpec& stage : model->spec->stages) {
    model->grids.push_back(std::make_unique<Grid>(stage));
    (void)model->grids.back()->TrialCount();  // remembered in the grid; later calls only read
    model->stage_names.push_back(stage.name);
  }
  Keep(row, model);
  return std::shared_ptr<const SweepModel>(std::move(model));
}

std::shared_ptr<const SweepModel> SpecCache::Find(const PutSweep& row) {
  const std::lock_guard lock(mu_);
  const auto found = entries_.find(row.id.value);
  if (found == entries_.end() || found->second.extra_seeds != row.extra_seeds) return nullptr;
  order_.splice(order_.end(), order_, found->second.place);
  return found->second.model;
}

void SpecCache::Keep(const PutSweep& row, const std::shared_ptr<const SweepModel>& model) {
  const std::lock_guard lock(mu_);
  const auto found = entries_.find(row.id.value);
  if (found != entries_.end()) {
    order_.erase(found->second.place);
    entries_.erase(found);
  }
  order_.push_back(row.id.value);
  entries_[row.id.value] = {row.extra_seeds, model, std::prev(order_.end())};
  if (entries_.size() > sweeps_max_) {
    entries_.erase(order_.front());
    order_.pop_front();
  }
}

}  // namespace fusor
