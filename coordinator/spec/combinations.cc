#include "coordinator/spec/combinations.h"

#include "common/recipe/suggest.h"
#include "coordinator/core/cell_counter.h"
#include "coordinator/spec/row_walk.h"

namespace fusor {

namespace {

// The walk over the axes among the names, with the values that a check reads.
class ValueWalk {
 public:
  ValueWalk(const StageSpec& stage, const CellCounter& counter,
            const std::vector<std::string>& names)
      : stage_(stage), axes_(Axes(stage, names)), walk_(stage, counter, axes_) {
    for (const std::string& name : names) {
      const auto fixed = stage.params.find(name);
      if (fixed != stage.params.end()) values_.insert(*fixed);
    }
  }

  const ParamValues& Values() {
    for (const std::size_t axis : axes_) {
      values_.insert_or_assign(stage_.axes[axis].name, walk_.ValueOf(axis));
    }
    return values_;
  }
  std::uint64_t size() const { return walk_.size(); }
  bool Next() { return walk_.Next(); }
  bool HasTrials() const { return walk_.HasTrials(); }

 private:
  static std::vector<std::size_t> Axes(const StageSpec& stage,
                                       const std::vector<std::string>& names) {
    std::vector<std::size_t> axes;
    for (const std::string& name : names) {
      if (const auto axis = FindAxis(stage, name)) axes.push_back(*axis);
    }
    return axes;
  }

  const StageSpec& stage_;
  std::vector<std::size_t> axes_;
  RowWalk walk_;
  ParamValues values_;
};

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
