#include <ostream>

#include "client/commands/commands.h"
#include "client/commands/options.h"
#include "client/commands/session.h"
#include "client/commands/submission.h"
#include "client/format/text.h"
#include "client/local/file_check.h"
#include "client/local/offline_plan.h"
#include "client/view/plan_view.h"

namespace fusor::client {

namespace {

// Asks the coordinator, so that its workers are included; works without one too.
Result<v1::PlanResponse> Ask(Session& session, const Submission& submission) {
  const Result<Api*> api = session.Connect();
  if (api.ok()) {
    v1::PlanRequest request;
    request.set_source(submission.source);
    for (const std::string& each : submission.overrides) request.add_overrides(each);
    Result<v1::PlanResponse> plan = (*api)->Call(request);
    if (plan.ok() || plan.status().code() != Code::kUnavailable || (*api)->IsConnected())
      return plan;
  } else if (api.status().code() != Code::kUnavailable) {
    return api.status();
  }
  return OfflinePlan(session.environment(), submission.source, submission.overrides);
}

Result<int> Run(Session& session) {
  Submission submission;
  submission.file = session.arguments().Text("FILE");
  submission.overrides = session.arguments().List("set");
  const Result<std::string> source = ReadSource(session, submission.file);
  if (!source.ok()) return source.status();
  submission.source = *source;
  const Result<v1::PlanResponse> plan = Ask(session, submission);
  if (!plan.ok()) return plan.status();
  if (plan->problems_size() > 0) {
    PrintProblems(session, submission, plan->problems());
    return kExitBadInput;
  }
  if (session.output() == Output::kCsv) {
    WriteTable(session.out(), session.output(), session.look(), PlanTable(*plan));
    return kExitOk;
  }
  const FileReport files = CheckFiles(session.environment(), plan->file_checks());
  Json json = PlanJson(*plan, submission.file);
  if (files.any) json.Set("files", FilesJson(files));
  session.Show(json,
               PlanText(*plan, submission.file, session.look()) + FilesText(files, session.look()));
  const std::string words = ShellWord(submission.file) + OverrideWords(submission.overrides);
  if (plan->workers_asked()) {
    session.Next({"fusor submit " + words});
  } else {
    session.Next({"fusor local " + words + "  # on this machine alone",
                  "fusor submit " + words + "  # when a coordinator runs"});
  }
  return kExitOk;
}

}  // namespace

CommandSpec PlanCommand() {
  CommandSpec spec;
  spec.name = "plan";
  spec.topic = Topic::kRun;
  spec.help = "check a sweep file and show what it would do; changes nothing";
  spec.arguments = {FileArgument()};
  spec.options = {SetOption()};
  spec.outputs = {Output::kTable, Output::kJson, Output::kCsv};
  spec.notes =
      "Exit code 2 with every problem of the file as FILE:LINE:COLUMN if it is not valid. Works\n"
      "without a coordinator; then no workers are asked. Files that trials begin with (init_from,\n"
      "splits) are looked up and into here; those of the workers cannot be seen from here.\n";
  spec.run = Run;
  return spec;
}

}  // namespace fusor::client
