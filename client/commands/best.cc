// best and artifacts.

#include <ostream>

#include "client/commands/commands.h"
#include "client/commands/export_run.h"
#include "client/commands/options.h"
#include "client/commands/session.h"
#include "client/link/artifact_list.h"
#include "client/link/resolve.h"
#include "client/terminal/signals.h"
#include "client/view/artifact_view.h"
#include "client/view/convert.h"
#include "client/view/trial_view.h"

namespace fusor::client {

namespace {

Result<int> DownloadBest(Session& session, Api& api, const std::string& trial) {
  const std::string folder = session.arguments().Text("download");
  const Result<ExportChoice> choice = ParseChoice("models");
  if (!choice.ok()) return choice.status();
  const Signals::Guard guard(session.environment().signals, [&](int, int) { api.Cancel(); });
  Exporter exporter(session, api, session.environment().directory / folder);
  const Status status = ExportOneTrial(api, trial, *choice, exporter);
  if (api.canceled()) return kExitInterrupted;
  if (!status.ok()) return status;
  ReportExport(session, exporter, folder);
  return kExitOk;
}

Result<int> RunBest(Session& session) {
  const Result<Api*> api = session.Connect();
  if (!api.ok()) return api.status();
  const Result<std::uint64_t> sweep = ResolveSweep(**api, session.arguments().Text("SWEEP"));
  if (!sweep.ok()) return sweep.status();
  const Result<std::string> id = BestTrial(session, **api, *sweep);
  if (!id.ok()) return id.status();
  if (session.output() == Output::kId) {
    session.out() << *id << "\n";
    return kExitOk;
  }
  if (session.arguments().Has("download")) return DownloadBest(session, **api, *id);
  v1::GetTrialRequest request;
  request.set_id(*id);
  const Result<v1::GetTrialResponse> response = (*api)->Call(request);
  if (!response.ok()) return response.status();
  if (session.output() == Output::kCsv) {
    WriteTable(session.out(), session.output(), session.look(), TrialAsTable(*response));
    return kExitOk;
  }
  session.Show(TrialJson(*response), TrialText(*response, session.now(), session.look()));
  session.Next({"fusor best " + std::to_string(*sweep) + " --download DIR  # its model",
                "fusor metrics " + *id});
  return kExitOk;
}

Result<int> RunArtifacts(Session& session) {
  const Result<Api*> api = session.Connect();
  if (!api.ok()) return api.status();
  v1::ListArtifactsRequest request;
  const std::string word = session.arguments().Text("TRIAL|SWEEP");
  if (LooksLikeTrial(word)) {
    const Result<std::string> trial = ResolveTrial(**api, word);
    if (!trial.ok()) return trial.status();
    request.set_trial(*trial);
  } else {
    const Result<std::uint64_t> sweep = ResolveSweep(**api, word);
    if (!sweep.ok()) return sweep.status();
    request.set_sweep(*sweep);
  }
  for (const std::string& kind : session.arguments().List("kind")) request.add_kinds(kind);
  std::string first;
  TableWriter writer(session.out(), session.output(), session.look(), ArtifactTable());
  RETURN_IF_ERROR(ListArtifacts(**api, request, [&](const v1::Artifact& artifact) {
    if (first.empty()) first = ArtifactIdText(artifact.id());
    writer.Add(ArtifactRow(artifact, session.now()));
  }));
  if (writer.rows() == 0 && session.for_people()) {
    session.out() << "no artifacts\n";
    return kExitOk;
  }
  writer.Finish();
  session.Next({"fusor get " + word + " -o DIR  # download",
                "fusor get " + first + " -o DIR  # one of them"});
  return kExitOk;
}

}  // namespace

CommandSpec BestCommand() {
  CommandSpec spec;
  spec.name = "best";
  spec.topic = Topic::kFiles;
  spec.help = "the trial with the best objective, and its model";
  spec.arguments = {SweepArgument()};
  spec.options = {{.name = "download",
                   .letter = 'd',
                   .takes = Takes::kDirectory,
                   .value_name = "DIR",
                   .help = "write its model there"},
                  StageOption(),
                  WhereOption()};
  spec.notes =
      "examples\n"
      "  fusor best last --stage fusion --where precision=bf16\n"
      "  fusor best last --download best\n";
  spec.outputs = {Output::kTable, Output::kJson, Output::kCsv, Output::kId};
  spec.run = RunBest;
  return spec;
}

CommandSpec ArtifactsCommand() {
  CommandSpec spec;
  spec.name = "artifacts";
  spec.topic = Topic::kFiles;
  spec.help = "the files that a trial or a sweep produced";
  spec.arguments = {{.name = "TRIAL|SWEEP",
                     .help = "last.experts.3, or a sweep",
                     .completes = Completes::kSweepOrTrial}};
  spec.options = {{.name = "kind",
                   .takes = Takes::kText,
                   .value_name = "KIND",
                   .help = "only model, checkpoint, csv, report, trace or data",
                   .repeatable = true,
                   .choices = {"model", "checkpoint", "csv", "report", "trace", "data"}}};
  spec.outputs = {Output::kTable, Output::kJson, Output::kCsv, Output::kId};
  spec.run = RunArtifacts;
  return spec;
}

}  // namespace fusor::client
