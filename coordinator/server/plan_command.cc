#include "coordinator/server/plan_command.h"

#include <google/protobuf/util/json_util.h>

#include <fstream>
#include <iterator>
#include <ostream>

#include "common/base/limits.h"
#include "coordinator/server/sweep_convert.h"
#include "coordinator/spec/parse.h"
#include "coordinator/spec/plan.h"

namespace fusor {

namespace {

v1::PlanResponse Plan(const std::string& source, const std::vector<std::string>& overrides) {
  const SpecReport report = ParseSweep(source, overrides);
  v1::PlanResponse plan;
  if (!report.spec) {
    for (const SpecProblem& problem : report.problems) *plan.add_problems() = ToWire(problem);
    return plan;
  }
  const PlanReport made = MakePlan(*report.spec);
  std::size_t classes = 0;
  for (const PlanReport::Stage& stage : made.stages) classes += stage.classes.size();
  plan = ToWire(made, std::vector<FitReport>(classes));
  plan.set_workers_asked(false);
  AddFileChecks(*report.spec, *plan.mutable_file_checks());
  return plan;
}

}  // namespace

Status PrintPlan(const PlanOptions& options, std::ostream& out) {
  std::ifstream in(options.source_file, std::ios::binary);
  if (!in) return InvalidArgument("cannot read " + options.source_file.string());
  const std::string source(std::istreambuf_iterator<char>(in), {});
  if (source.size() > limits::kSweepFileBytesMax) {
    return InvalidArgument(options.source_file.string() + " is larger than a sweep file may be");
  }
  std::string json;
  const auto status =
      google::protobuf::util::MessageToJsonString(Plan(source, options.overrides), &json);
  if (!status.ok()) return Internal("the plan cannot be printed");
  out << json << "\n" << std::flush;
  return out ? Ok() : Internal("the plan cannot be printed");
}

}  // namespace fusor
