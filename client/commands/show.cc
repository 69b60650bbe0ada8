#include <ostream>

#include "client/commands/commands.h"
#include "client/commands/options.h"
#include "client/commands/session.h"
#include "client/link/resolve.h"
#include "client/view/convert.h"
#include "client/view/sweep_view.h"

namespace fusor::client {

namespace {

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
  session.Show(SweepJson(*response), SweepText(response->sweep(), session.now(), session.look()));
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
