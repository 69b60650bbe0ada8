#include "coordinator/spec/combinations.h"

#include "common/recipe/suggest.h"
#include "coordinator/core/cell_counter.h"
#include "coordinator/spec/value_walk.h"

namespace fusor {

namespace {

// The first refusal that a trial would meet.
Status CheckRule(const StageSpec& stage, const CellCounter& counter, const Rule& rule) {
  ValueWalk walk(stage, counter, rule.reads);
  if (walk.size() > kWalkMax) {
    return InvalidArgument("too many combinations of " + JoinNames(rule.reads) +
                           " to check; shorten these axes");
  }
  do {
    Status status = rule.check(walk.Values());
    if (!status.ok() && walk.HasTrials()) return status;
  } while (walk.Next());
  return Ok();
}

// Points at the first of the names that somebody wrote.
StageDraft::Written FirstWritten(const StageDraft& draft, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (draft.written.contains(name)) return draft.WhereIs(name);
  }
  return draft.WhereIs("");
}

Status CheckTf32(const StageSpec& stage, const ParamValues& values, const std::string& name) {
  const auto precision = values.find(name);
  const bool is_tf32 = precision != values.end() && precision->second == Value("tf32");
  if (!is_tf32 || stage.resources.device != DeviceKind::kCpu ||
      stage.precision_fallback.contains("tf32")) {
    return Ok();
  }
  return InvalidArgument("tf32 exists on GPUs only, but resources.device is cpu");
}

void CheckPrecision(const StageDraft& draft, const CellCounter& counter, Problems& problems) {
  for (const Param& param : draft.recipe->params) {
    if (param.role != ParamRole::kPrecision) continue;
    ValueWalk walk(draft.spec, counter, {param.name});
    do {
      const Status status = CheckTf32(draft.spec, walk.Values(), param.name);
      if (status.ok() || !walk.HasTrials()) continue;
      const auto at = draft.WhereIs(param.name);
      problems.AddAt(at.place, at.source, at.path, status.message());
      break;
    } while (walk.Next());
  }
}

}  // namespace

void CheckCombinations(StageDraft& draft, Problems& problems) {
  const std::size_t before = problems.count();
  const CellCounter counter(draft.spec);
  for (const Rule& rule : draft.recipe->rules) {
    const Status status = CheckRule(draft.spec, counter, rule);
    if (status.ok()) continue;
    const auto at = FirstWritten(draft, rule.reads);
    problems.AddAt(at.place, at.source, at.path, status.message());
  }
  CheckPrecision(draft, counter, problems);
  if (draft.written.contains("gpu_type") && draft.spec.resources.device == DeviceKind::kCpu) {
    const auto at = draft.WhereIs("gpu_type");
    problems.AddAt(at.place, at.source, at.path,
                   "gpu_type places trials on GPUs, but resources.device is cpu");
  }
  if (problems.count() > before) draft.sound = false;
}

}  // namespace fusor
