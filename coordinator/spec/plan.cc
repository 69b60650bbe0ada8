#include "coordinator/spec/plan.h"

#include "common/base/count.h"
#include "coordinator/core/cell_counter.h"
#include "coordinator/spec/input_count.h"

namespace fusor {

namespace {

// 20 rather than 20.0.
std::string Gib(double gib) {
  std::string text = DisplayText(gib);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text + " GiB";
}

std::string SlotsText(const Resources& resources) {
  std::string noun = "slot";
  if (resources.device == DeviceKind::kCpu) noun = "cpu slot";
  if (resources.device == DeviceKind::kGpu) noun = "gpu slot";
  std::string text = CountOf(resources.slots, noun);
  if (resources.slots == 1) return text;
  if (resources.per_worker > 0)
    return text + ", " + std::to_string(resources.per_worker) + " on each worker";
  return text + (resources.spread == Spread::kOneWorker ? " on one worker" : " on any workers");
}

std::string PerSlotText(const Resources& resources) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (resources.cpus > 0) add(CountOf(resources.cpus, "cpu"));
  if (resources.device_memory_gib > 0) add(Gib(resources.device_memory_gib) + " of device memory");
  if (resources.memory_gib > 0) add(Gib(resources.memory_gib) + " of memory");
  if (resources.disk_gib > 0) add(Gib(resources.disk_gib) + " of disk");
  if (!text.empty() && resources.slots > 1) text += " per slot";
  return text;
}

PlanReport::Stage PlanStage(const SweepSpec& sweep, const StageSpec& stage) {
  const Grid grid(stage);
  const CellCounter counter(stage);
  const CellCounter::Counts counts = counter.Count();
  PlanReport::Stage plan;
  plan.name = stage.name;
  plan.recipe = stage.recipe;
  plan.cells = counts.cells;
  plan.trials = counts.trials;
  plan.drawn = stage.drawn.has_value();
  for (const Axis& axis : stage.axes) {
    plan.axes.push_back(axis.name + " (" + std::to_string(axis.values.size()) + ')');
  }
  for (const Need& need : stage.needs) {
    const StageSpec& there = sweep.stages[need.stage];
    const InputCount inputs = CountInputs(stage, need, there);
    std::string number = std::to_string(inputs.least);
    if (inputs.most != inputs.least) number += " to " + std::to_string(inputs.most);
    plan.needs.push_back(there.name + " (" + number + " per trial)");
  }
  for (std::size_t i = 0; i < stage.excludes.size(); ++i) {
    plan.excluded.push_back({stage.excludes[i].text, counts.excluded[i]});
  }
  for (std::uint32_t c = 0; c < grid.ClassCount(); ++c) {
    const std::uint64_t trials =
        grid.ClassCount() == 1 ? counts.trials : counter.Count(grid.RowsOfClass(c)).trials;
    if (trials == 0) continue;
    Requirement requirement = grid.RequirementOf(c);
    std::string text = RequirementText(requirement);
    plan.classes.push_back({c, std::move(requirement), std::move(text), trials});
  }
  return plan;
}

}  // namespace

PlanReport MakePlan(const SweepSpec& sweep) {
  PlanReport report;
  report.name = sweep.name;
  for (const StageSpec& stage : sweep.stages) {
    report.stages.push_back(PlanStage(sweep, stage));
    report.cells += report.stages.back().cells;
    report.trials += report.stages.back().trials;
  }
  return report;
}

std::string RequirementText(const Requirement& requirement) {
  std::string text = SlotsText(requirement.resources);
  const std::string per_slot = PerSlotText(requirement.resources);
  if (!per_slot.empty()) text += ", " + per_slot;
  if (!requirement.gpu_type.empty()) text += ", gpu type " + requirement.gpu_type;
  if (!requirement.precision.empty()) text += ", precision " + requirement.precision;
  if (!requirement.fallback_precision.empty()) {
    text += " (else " + requirement.fallback_precision + ')';
  }
  if (!requirement.dataset.empty()) text += ", data " + requirement.dataset;
  for (const auto& [label, value] : requirement.resources.labels) {
    text += ", ";
    text += label;
    text += '=';
    text += value;
  }
  return text;
}

}  // namespace fusor
