#include <charconv>
#include <optional>

#include "client/commands/commands.h"
#include "client/commands/export.h"
#include "client/commands/export_run.h"
#include "client/commands/options.h"
#include "client/commands/session.h"
#include "client/link/artifact_list.h"
#include "client/link/resolve.h"
#include "client/terminal/signals.h"

namespace fusor::client {

namespace {

// The number of "a12".
std::optional<std::uint64_t> ArtifactNumber(const std::string& word) {
  if (word.size() < 2 || word[0] != 'a') return std::nullopt;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(word.data() + 1, word.data() + word.size(), number);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return number;
}

Status ExportNumbered(Api& api, std::uint64_t number, Exporter& exporter) {
  v1::ListArtifactsRequest request;
  request.set_artifact(number);
  Status status = NotFound("no artifact a" + std::to_string(number) +
                           "\nfusor artifacts TRIAL lists a trial's");
  std::vector<v1::Artifact> found;
  RETURN_IF_ERROR(
      ListArtifacts(api, request, [&](const v1::Artifact& each) { found.push_back(each); }));
  for (const v1::Artifact& artifact : found) {
    if (artifact.id() == number) status = exporter.ExportArtifact(artifact, artifact.trial_name());
  }
  return status;
}

Status Export(Session& session, Api& api, const ExportChoice& choice, Exporter& exporter) {
  const std::string word = session.arguments().Text("ARTIFACT|TRIAL|SWEEP");
  if (const auto number = ArtifactNumber(word)) return ExportNumbered(api, *number, exporter);
  if (LooksLikeTrial(word)) {
    const Result<std::string> trial = ResolveTrial(api, word);
    return trial.ok() ? ExportOneTrial(api, *trial, choice, exporter) : trial.status();
  }
  const Result<std::uint64_t> sweep = ResolveSweep(api, word);
  if (!sweep.ok()) return sweep.status();
  if (!session.arguments().Flag("best")) return ExportSweep(session, api, *sweep, choice, exporter);
  const Result<std::string> trial = BestTrial(session, api, *sweep);
  return trial.ok() ? ExportOneTrial(api, *trial, choice, exporter) : trial.status();
}

Result<int> Run(Session& session) {
  const std::string folder = session.arguments().Text("out");
  if (folder.empty()) return InvalidArgument("say where to: -o DIR");
  const std::string what = session.arguments().Text("what");
  const Result<ExportChoice> choice = ParseChoice(what.empty() ? "models,logs,csv,metrics" : what);
  if (!choice.ok()) return choice.status();
  const Result<Api*> api = session.Connect();
  if (!api.ok()) return api.status();
  const Signals::Guard guard(session.environment().signals, [&](int, int) { (*api)->Cancel(); });
  const std::filesystem::path root = session.environment().directory / folder;
  Exporter exporter(session, **api, root);
  const Status status = Export(session, **api, *choice, exporter);
  if ((*api)->canceled()) {
    session.err() << "\ninterrupted; the same command goes on from here\n";
    return kExitInterrupted;
  }
  if (!status.ok()) return status;
  ReportExport(session, exporter, folder);
  return kExitOk;
}

}  // namespace

CommandSpec GetCommand() {
  CommandSpec spec;
  spec.name = "get";
  spec.topic = Topic::kFiles;
  spec.help = "write models, logs, CSV files and metrics into a readable tree of folders";
  spec.arguments = {{.name = "ARTIFACT|TRIAL|SWEEP",
                     .help = "a12, last.experts.3, or a sweep",
                     .completes = Completes::kSweepOrTrial}};
  spec.options = {
      {.name = "out",
       .letter = 'o',
       .takes = Takes::kDirectory,
       .value_name = "DIR",
       .help = "where to"},
      {.name = "what",
       .takes = Takes::kText,
       .value_name = "A,B",
       .help = "models, logs, csv, metrics (these are the default), reports, traces, data, "
               "checkpoints, all"},
      {.name = "best", .help = "of a sweep only its best trial"},
      StageOption(),
      WhereOption()};
  spec.outputs = {Output::kTable, Output::kJson};
  spec.notes =
      "Begun downloads go on where they stopped; every file is verified against its sha256.\n"
      "example\n"
      "  fusor get last -o runs --what models --best\n";
  spec.run = Run;
  return spec;
}

}  // namespace fusor::client
