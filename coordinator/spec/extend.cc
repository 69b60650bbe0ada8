#include "coordinator/spec/extend.h"

#include <algorithm>

#include "common/base/limits.h"
#include "coordinator/spec/grid_size.h"
#include "coordinator/spec/input_count.h"

namespace fusor {

namespace {

// The seed as a value; refused when the parameter could not have it.
Result<Value> CheckedSeed(std::int64_t seed) {
  const Value value = seed;
  const Status status = CheckValue(*Catalogue().front().Find("seed"), value);
  if (!status.ok()) return status;
  return value;
}

Status AddSeeds(StageSpec& stage, const std::vector<std::int64_t>& seeds) {
  std::vector<Value>& values = stage.axes[0].values;
  for (const std::int64_t seed : seeds) {
    const auto value = CheckedSeed(seed);
    if (!value.ok()) return value.status();
    if (std::find(values.begin(), values.end(), *value) != values.end()) {
      return InvalidArgument("seed " + std::to_string(seed) + " is there already");
    }
    if (values.size() >= limits::kAxisValuesMax) return ResourceExhausted("too many seeds");
    stage.dimensions[0].rows.push_back({static_cast<std::uint32_t>(values.size())});
    values.push_back(*value);
  }
  return Ok();
}

Status CheckNeeds(const SweepSpec& sweep) {
  for (const StageSpec& stage : sweep.stages) {
    for (const Need& need : stage.needs) {
      const StageSpec& there = sweep.stages[need.stage];
      const bool collects_seeds =
          std::find(need.collect.begin(), need.collect.end(), 0U) != need.collect.end();
      if (collects_seeds && !there.own_seeds) {
        return FailedPrecondition("stage '" + stage.name + "' collects the seeds of stage '" +
                                  there.name + "', so its trials would get other inputs");
      }
      const InputCount inputs = CountInputs(stage, need, there);
      if (inputs.least == 0) {
        return FailedPrecondition("trials of stage '" + stage.name + "' with " + inputs.starving +
                                  " would find no trial of stage '" + there.name + "'");
      }
    }
  }
  return Ok();
}

}  // namespace

Result<SweepSpec> ExtendSeeds(const SweepSpec& sweep, const std::vector<std::int64_t>& seeds) {
  if (seeds.empty()) return InvalidArgument("no seeds given");
  SweepSpec extended = sweep;
  bool any = false;
  std::uint64_t cells = 0;
  for (StageSpec& stage : extended.stages) {
    if (!stage.own_seeds) RETURN_IF_ERROR(AddSeeds(stage, seeds));
    any = any || !stage.own_seeds;
    cells += CountedCells(stage);
    const Status size = CheckGridSize(stage, stage.drawn ? stage.drawn->size() : 0);
    if (!size.ok()) {
      return ResourceExhausted("stage '" + stage.name + "' would have " + size.message());
    }
  }
  if (!any) return FailedPrecondition("every stage sets its own seeds");
  if (cells > limits::kCellsPerSweepMax) {
    return ResourceExhausted(std::to_string(cells) + " cells; a sweep has at most " +
                             std::to_string(limits::kCellsPerSweepMax));
  }
  RETURN_IF_ERROR(CheckNeeds(extended));
  return extended;
}

}  // namespace fusor
