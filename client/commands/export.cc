#include "client/commands/export.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <ostream>
#include <utility>

#include "client/format/text.h"
#include "client/format/width.h"
#include "client/link/artifact_list.h"
#include "client/link/download.h"
#include "client/link/metric_reader.h"
#include "client/link/safe_path.h"
#include "client/view/convert.h"
#include "client/view/log_view.h"
#include "client/view/metric_view.h"
#include "common/recipe/suggest.h"

namespace fusor::client {

namespace {

constexpr Duration kProgressEvery{100};

// The words of --what and the kind of artifact each means; no kind: it is no artifact.
struct What {
  std::string_view word;
  std::string_view kind;
};
constexpr std::array<What, 8> kWhat = {{{"models", "model"},
                                        {"logs", ""},
                                        {"csv", "csv"},
                                        {"metrics", ""},
                                        {"reports", "report"},
                                        {"traces", "trace"},
                                        {"data", "data"},
                                        {"checkpoints", "checkpoint"}}};

// A file that appears under its name only when it is whole.
class Whole {
 public:
  explicit Whole(std::filesystem::path path)
      : path_(std::move(path)), part_(path_.string() + ".part"), out_(part_, std::ios::binary) {}

  std::ostream& out() { return out_; }
  Result<std::uint64_t> Finish() {
    out_.close();
    std::error_code error;
    if (out_) std::filesystem::rename(part_, path_, error);
    if (!out_ || error) return Internal("cannot write " + path_.string());
    return std::filesystem::file_size(path_, error);
  }

 private:
  std::filesystem::path path_;
  std::filesystem::path part_;
  std::ofstream out_;
};

}  // namespace

Result<ExportChoice> ParseChoice(const std::string& words) {
  ExportChoice choice;
  std::vector<std::string> names = {"all"};
  for (const What& what : kWhat) names.emplace_back(what.word);
  for (const std::string& part : Split(words, ',')) {
    const std::string word(Trim(part));
    if (word.empty()) continue;
    bool known = word == "all";
    for (const What& what : kWhat) {
      if (word != "all" && word != what.word && word + "s" != what.word) continue;
      known = true;
      if (!what.kind.empty()) choice.kinds.emplace_back(what.kind);
      choice.logs = choice.logs || what.word == "logs";
      choice.metrics = choice.metrics || what.word == "metrics";
    }
    if (!known)
      return InvalidArgument("--what: '" + word + "' is not known" + Suggestion(word, names));
  }
  if (choice.kinds.empty() && !choice.logs && !choice.metrics) {
    return InvalidArgument("--what is empty" + Suggestion("", names));
  }
  return choice;
}

Result<std::filesystem::path> Exporter::Place(const v1::Artifact& artifact,
                                              const std::string& folder) {
  const std::string name = artifact.name().empty() ? artifact.kind() : artifact.name();
  const std::string own = artifact.path().empty() ? folder + "/" + name : artifact.path();
  // Files of several steps, or of trials that a template does not tell apart, are kept apart here.
  const std::vector<std::string> choices = {
      own, folder + "/" + name, folder + "/step-" + std::to_string(artifact.step()) + "/" + name,
      folder + "/" + ArtifactIdText(artifact.id()) + "/" + name};
  for (const std::string& path : choices) {
    Result<std::filesystem::path> safe = SafeRelative(path);
    if (!safe.ok() || places_.insert(*safe).second) return safe;
  }
  return AlreadyExists("two files have the id " + ArtifactIdText(artifact.id()));
}

void Exporter::Progress(const std::string& path, std::uint64_t bytes, std::uint64_t all) {
  const Time now = session_.now();
  if (!session_.environment().err_is_terminal || now - last_progress_ < kProgressEvery) return;
  last_progress_ = now;
  const double part = all == 0 ? 1 : static_cast<double>(bytes) / static_cast<double>(all);
  session_.err() << "\r\x1b[K" << session_.err_look().Bar(part, 16) << " " << PercentText(part)
                 << " of " << BytesText(all) << "  " << path << std::flush;
}

void Exporter::Done(ExportedFile file) {
  if (session_.environment().err_is_terminal) session_.err() << "\r\x1b[K" << std::flush;
  if (session_.for_people()) {
    session_.out() << PadLeft(BytesText(file.bytes), 9) << "  " << file.path
                   << (file.there_already
                           ? session_.look().Paint("  (there already)", Style::kFaint)
                           : "")
                   << std::endl;
  }
  files_.push_back(std::move(file));
}

Status Exporter::ExportArtifact(const v1::Artifact& artifact, const std::string& folder) {
  const Result<std::filesystem::path> place = Place(artifact, folder);
  if (!place.ok()) return place.status();
  Download download;
  download.artifact = artifact.id();
  download.sha256 = artifact.sha256();
  download.bytes = artifact.bytes();
  download.root = root_;
  download.relative = *place;
  const Result<Fetched> fetched = Fetch(api_, download, [&](std::uint64_t bytes) {
    Progress(place->string(), bytes, artifact.bytes());
  });
  if (!fetched.ok()) return fetched.status();
  Done({place->string(), artifact.bytes(), artifact.sha256(), *fetched == Fetched::kThereAlready});
  return Ok();
}

Status Exporter::ExportLog(const v1::Trial& trial, const std::string& folder) {
  const Result<std::filesystem::path> relative = SafeRelative(folder + "/log.txt");
  if (!relative.ok()) return relative.status();
  std::optional<Whole> file;  // made at the first line: a trial that wrote nothing has no file
  Status failed;
  v1::WatchLogsRequest request;
  request.set_trial(trial.id());
  Status status = api_.Read(
      request, Api::Reader<v1::WatchLogsResponse>([&](const v1::WatchLogsResponse& response) {
        if (!file && response.lines_size() > 0) {
          failed = MakeFolders(root_, *relative);
          if (!failed.ok()) return false;
          file.emplace(root_ / *relative);
        }
        for (const v1::LogLine& line : response.lines()) {
          file->out() << LogText(line, {.prefixed = false}, Look()) << "\n";
        }
        return true;
      }));
  if (!failed.ok()) return failed;
  if (!status.ok() || !file) return status;
  const Result<std::uint64_t> bytes = file->Finish();
  if (!bytes.ok()) return bytes.status();
  Done({relative->string(), *bytes, "", false});
  return Ok();
}

Status Exporter::ExportMetrics(const v1::Trial& trial, const std::string& folder) {
  const Result<std::filesystem::path> relative = SafeRelative(folder + "/metrics.csv");
  if (!relative.ok()) return relative.status();
  RETURN_IF_ERROR(MakeFolders(root_, *relative));
  Whole file(root_ / *relative);
  TableWriter writer(file.out(), Output::kCsv, Look(), PointTable());
  MetricQuestion question;
  question.trial = trial.id();
  RETURN_IF_ERROR(ReadPoints(api_, question, [&](const v1::Points& points) {
    for (Row& row : PointRows(points)) writer.Add(std::move(row));
  }));
  writer.Finish();
  const Result<std::uint64_t> bytes = file.Finish();
  if (!bytes.ok()) return bytes.status();
  Done({relative->string(), *bytes, "", false});
  return Ok();
}

Status Exporter::ExportTrial(const v1::Trial& trial, const ExportChoice& choice) {
  const std::string folder = trial.stage() + "/" + trial.name();
  if (!choice.kinds.empty()) {
    v1::ListArtifactsRequest request;
    request.set_trial(trial.id());
    for (const std::string& kind : choice.kinds) request.add_kinds(kind);
    std::vector<v1::Artifact> artifacts;
    RETURN_IF_ERROR(ListArtifacts(
        api_, request, [&](const v1::Artifact& artifact) { artifacts.push_back(artifact); }));
    for (const v1::Artifact& artifact : artifacts)
      RETURN_IF_ERROR(ExportArtifact(artifact, folder));
  }
  if (choice.logs) RETURN_IF_ERROR(ExportLog(trial, folder));
  if (choice.metrics) RETURN_IF_ERROR(ExportMetrics(trial, folder));
  return Ok();
}

}  // namespace fusor::client
