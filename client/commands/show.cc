#include <algorithm>
#include <ostream>

#include "client/commands/commands.h"
#include "client/commands/options.h"
#include "client/commands/session.h"
#include "client/link/resolve.h"
#include "client/view/convert.h"
#include "client/view/gains_view.h"
#include "client/view/sweep_view.h"

namespace fusor::client {

namespace {

// What became of the sweep's `expect`; empty where it states nothing.
Result<v1::ResultsResponse> Expectations(Api& api, const v1::Sweep& sweep) {
  const bool any =
      std::any_of(sweep.stages().begin(), sweep.stages().end(),
                  [](const v1::StageStatus& stage) { return stage.expectations() > 0; });
  if (!any) return v1::ResultsResponse();
  v1::ResultsRequest request;
  request.set_sweep(sweep.id());
  request.set_expectations_only(true);
  return api.Call(request);
}

Result<int> Run(Session& session) {
  const Result<Api*> api = session.Connect();
  if (!api.ok()) return api.status();
  const Result<std::uint64_t> sweep = ResolveSweep(**api, session.arguments().Text("SWEEP"));
  if (!sweep.ok()) return sweep.status();
  v1::GetSweepRequest request;
  request.set_sweep(*sweep);
  request.set_include_source(session.arguments().Flag("source") || !session.for_people());
  const Result<v1::GetSweepResponse> response = (*api)->Call(request);
  if (!response.ok()) return response.status();
  if (session.output() == Output::kId || session.output() == Output::kCsv) {
    Table table = SweepTable(session.now(), session.look());
    table.rows.push_back(SweepRow(response->sweep(), session.now(), session.look()));
    WriteTable(session.out(), session.output(), session.look(), table);
    return kExitOk;
  }
  if (session.arguments().Flag("source") && session.for_people()) {
    session.out() << response->source();
    for (const std::string& each : response->overrides())
      session.out() << "# --set " << each << "\n";
    return kExitOk;
  }
  const Result<v1::ResultsResponse> results = Expectations(**api, response->sweep());
  if (!results.ok()) return results.status();
  const std::string expected = ExpectationsText(*results, session.look());
  Json json = SweepJson(*response);
  json.Set("expectations", ExpectationsJson(*results));
  session.Show(json, SweepText(response->sweep(), session.now(), session.look()) +
                         (expected.empty() ? "" : "\n" + expected));
  if (CountsOf(response->sweep().counts()).failed > 0) {
    session.Next(
        {"fusor trials " + std::to_string(*sweep) + " --state failed  # what failed, and why"});
  }
  return kExitOk;
}

}  // namespace

CommandSpec ShowCommand() {
  CommandSpec spec;
  spec.name = "show";
  spec.topic = Topic::kLook;
  spec.help = "one sweep: progress by stage, best trial, settings";
  spec.arguments = {SweepArgument()};
  spec.options = {{.name = "source", .help = "print its file as it was submitted"}};
  spec.outputs = {Output::kTable, Output::kJson, Output::kCsv, Output::kId};
  spec.run = Run;
  return spec;
}

}  // namespace fusor::client
