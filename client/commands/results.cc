#include <ostream>

#include "client/commands/commands.h"
#include "client/commands/options.h"
#include "client/commands/session.h"
#include "client/format/text.h"
#include "client/link/resolve.h"
#include "client/view/results_view.h"

namespace fusor::client {

namespace {

Result<int> Run(Session& session) {
  const Result<Api*> api = session.Connect();
  if (!api.ok()) return api.status();
  const Result<std::uint64_t> sweep = ResolveSweep(**api, session.arguments().Text("SWEEP"));
  if (!sweep.ok()) return sweep.status();
  v1::ResultsRequest request;
  request.set_sweep(*sweep);
  request.set_where(session.arguments().Text("where"));
  request.set_stage(session.arguments().Text("stage"));
  for (const std::string& words : session.arguments().List("metrics")) {
    for (const std::string& name : Split(words, ',')) {
      if (!Trim(name).empty()) request.add_metrics(std::string(Trim(name)));
    }
  }
  const Result<v1::ResultsResponse> response = (*api)->Call(request);
  if (!response.ok()) return response.status();
  if (session.output() == Output::kId) {
    for (const std::string& id : ResultTrials(*response)) session.out() << id << "\n";
    return kExitOk;
  }
  if (session.output() == Output::kCsv) {
    WriteTable(session.out(), session.output(), session.look(), ResultsList(*response));
    return kExitOk;
  }
  session.Show(ResultsJson(*response), ResultsText(*response, session.look()));
  for (const std::string& name : request.metrics()) {
    if (session.for_people() && !HasMetric(*response, name)) {
      session.out() << session.look().Paint("no trial has reported " + name, Style::kWarn) << "\n";
    }
  }
  if (!response->complete() && session.for_people()) {
    session.out() << session.look().Paint("not every trial has ended yet", Style::kWarn) << "\n";
  }
  return kExitOk;
}

}  // namespace

CommandSpec ResultsCommand() {
  CommandSpec spec;
  spec.name = "results";
  spec.topic = Topic::kLook;
  spec.help = "the table over axes, best first: mean and spread over seeds";
  spec.arguments = {SweepArgument()};
  spec.options = {
      {.name = "metrics",
       .letter = 'm',
       .takes = Takes::kText,
       .value_name = "A,B,C",
       .help = "these columns (default: the sweep's report columns, else its objective)",
       .repeatable = true},
      WhereOption(),
      {.name = "stage", .takes = Takes::kText, .value_name = "STAGE", .help = "only this stage"}};
  spec.outputs = {Output::kTable, Output::kJson, Output::kCsv, Output::kId};
  spec.run = Run;
  return spec;
}

}  // namespace fusor::client
