#include "client/local/offline_plan.h"

#include <google/protobuf/util/json_util.h>

#include <fstream>
#include <iterator>

#include "client/local/child_process.h"
#include "client/local/scratch.h"

namespace fusor::client {

namespace {

constexpr Duration kPatience{120'000};

}  // namespace

Result<v1::PlanResponse> OfflinePlan(const Environment& environment, const std::string& source,
                                     const std::vector<std::string>& overrides) {
  const Result<std::filesystem::path> program =
      FindProgram(environment.program, "fusord", environment.Variable("PATH"));
  if (!program.ok()) return program.status();
  const Scratch scratch;
  const std::filesystem::path file = scratch.path() / "sweep.yaml";
  const std::filesystem::path answer = scratch.path() / "plan.json";
  std::ofstream out(file, std::ios::binary);
  out << source;
  out.close();
  if (scratch.path().empty() || !out) return Internal("cannot write a temporary file");
  ChildOptions options;
  options.program = *program;
  options.arguments = {"plan", "--source-file", file.string()};
  for (const std::string& each : overrides) {
    options.arguments.emplace_back("--set");
    options.arguments.push_back(each);
  }
  options.stdout_only = answer;
  Result<ChildProcess> child = ChildProcess::Start(options);
  if (!child.ok()) return child.status();
  if (!child->WaitFor(kPatience)) return Internal("fusord plan does not come to an end");
  std::ifstream in(answer, std::ios::binary);
  const std::string json(std::istreambuf_iterator<char>(in), {});
  v1::PlanResponse plan;
  if (!google::protobuf::util::JsonStringToMessage(json, &plan).ok() || json.empty()) {
    return Internal("fusord plan gave no plan (" + child->EndText() + ")");
  }
  return plan;
}

}  // namespace fusor::client
