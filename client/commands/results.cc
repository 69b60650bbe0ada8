#include <ostream>

#include "client/commands/commands.h"
#include "client/commands/options.h"
#include "client/commands/session.h"
#include "client/format/text.h"
#include "client/link/resolve.h"
#include "client/view/gains_view.h"
#include "client/view/results_view.h"

namespace fusor::client {

namespace {

Result<int> ShowGains(const Session& session, const v1::ResultsResponse& response) {
  const std::string text = GainsText(response, session.look());
  session.Show(
      ResultsJson(response).At("gains"),
      text.empty() ? "no gains: no stage joins trials, or none of them has ended yet\n" : text);
  return kExitOk;
}

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
  const bool gains = session.arguments().Flag("gains");
  if (session.output() == Output::kId) {
    for (const std::string& id : gains ? GainTrials(*response) : ResultTrials(*response)) {
      session.out() << id << "\n";
    }
    return kExitOk;
  }
  if (session.output() == Output::kCsv) {
    WriteTable(session.out(), session.output(), session.look(),
               gains ? GainsList(*response) : ResultsList(*response));
    return kExitOk;
  }
  if (gains) return ShowGains(session, *response);
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
      StageOption(),
      WhereOption(),
      {.name = "gains", .help = "only what fusions gain over their experts; also as CSV"}};
  spec.outputs = {Output::kTable, Output::kJson, Output::kCsv, Output::kId};
  spec.notes =
      "examples\n"
      "  fusor results last --stage fusion -m val/accuracy,val/loss\n"
      "  fusor results last -o csv > results.csv\n"
      "  fusor results last --gains -o csv > gains.csv\n";
  spec.run = Run;
  return spec;
}

}  // namespace fusor::client
