#include "client/commands/export_run.h"

#include <cmath>
#include <ostream>
#include <vector>

#include "client/format/text.h"
#include "client/view/convert.h"

namespace fusor::client {

namespace {

constexpr std::uint32_t kPage = 1'000;

// As the coordinator chooses among all: what has ended badly is no candidate.
Result<std::string> BestOfChosen(const Session& session, Api& api, const v1::Sweep& sweep) {
  v1::ListTrialsRequest request;
  request.set_sweep(sweep.id());
  request.set_page_size(kPage);
  request.set_stage(session.arguments().Text("stage"));
  request.set_where(session.arguments().Text("where"));
  for (const v1::TrialState state :
       {v1::TRIAL_STATE_SUCCEEDED, v1::TRIAL_STATE_RUNNING, v1::TRIAL_STATE_READY}) {
    request.add_states(state);
  }
  std::string best;
  double best_value = 0;
  do {
    const Result<v1::ListTrialsResponse> page = api.Call(request);
    if (!page.ok()) return page.status();
    for (const v1::Trial& trial : page->trials()) {
      if (!trial.has_objective() || !std::isfinite(trial.objective())) continue;
      const double value = sweep.objective_maximize() ? trial.objective() : -trial.objective();
      if (!best.empty() && value <= best_value) continue;
      best = trial.id();
      best_value = value;
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  if (!best.empty()) return best;
  return NotFound("no trial that fits has reported " + sweep.objective_metric() +
                  "\nfusor trials " + std::to_string(sweep.id()) + " lists what there is");
}

}  // namespace

Status ExportSweep(Session& session, Api& api, std::uint64_t sweep, const ExportChoice& choice,
                   Exporter& exporter) {
  v1::ListTrialsRequest request;
  request.set_sweep(sweep);
  request.set_page_size(kPage);
  request.set_where(session.arguments().Text("where"));
  request.set_stage(session.arguments().Text("stage"));
  do {
    const Result<v1::ListTrialsResponse> page = api.Call(request);
    if (!page.ok()) return page.status();
    for (const v1::Trial& trial : page->trials()) {
      if (trial.attempts() > 0) RETURN_IF_ERROR(exporter.ExportTrial(trial, choice));
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return Ok();
}

Status ExportOneTrial(Api& api, const std::string& id, const ExportChoice& choice,
                      Exporter& exporter) {
  v1::GetTrialRequest request;
  request.set_id(id);
  const Result<v1::GetTrialResponse> response = api.Call(request);
  if (!response.ok()) return response.status();
  return exporter.ExportTrial(response->trial(), choice);
}

Result<std::string> BestTrial(const Session& session, Api& api, std::uint64_t sweep) {
  v1::GetSweepRequest request;
  request.set_sweep(sweep);
  const Result<v1::GetSweepResponse> response = api.Call(request);
  if (!response.ok()) return response.status();
  const v1::Sweep& found = response->sweep();
  if (session.arguments().Has("stage") || session.arguments().Has("where")) {
    return BestOfChosen(session, api, found);
  }
  if (!found.has_best_trial()) {
    const std::string id = std::to_string(sweep);
    return NotFound("sweep " + id + " has no best trial: none has reported " +
                    (found.objective_metric().empty() ? "an objective (the file sets none)"
                                                      : found.objective_metric() + " yet") +
                    "\nfusor results " + id + " shows what there is");
  }
  return TrialIdText(found.best_trial(), found);
}

void ReportExport(Session& session, const Exporter& exporter, const std::filesystem::path& root) {
  std::uint64_t bytes = 0;
  Json files = Json::Array();
  for (const ExportedFile& file : exporter.files()) {
    bytes += file.bytes;
    Json entry = Json::Object();
    entry.Set("path", file.path).Set("bytes", file.bytes);
    entry.Set("sha256", file.sha256.empty() ? Json() : Json(file.sha256));
    entry.Set("there_already", file.there_already);
    files.Add(entry);
  }
  const std::string text = exporter.files().empty()
                               ? "nothing to write\n"
                               : CountOf(exporter.files().size(), "file") + ", " +
                                     BytesText(bytes) + " in " + root.string() + "\n";
  session.Show(Json::Object().Set("folder", root.string()).Set("files", files), text);
}

}  // namespace fusor::client
