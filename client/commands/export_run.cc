#include "client/commands/export_run.h"

#include <ostream>

#include "client/format/text.h"
#include "client/view/convert.h"

namespace fusor::client {

namespace {

constexpr std::uint32_t kPage = 1'000;

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
  v1::BestTrialRequest request;
  request.set_sweep(sweep);
  request.set_stage(session.arguments().Text("stage"));
  request.set_where(session.arguments().Text("where"));
  Result<v1::BestTrialResponse> response = api.Call(request);
  if (response.ok()) return std::move(*response->mutable_id());
  const bool none = response.status().code() == Code::kNotFound;
  return none ? NotFound(response.status().message() + "\nfusor results " + std::to_string(sweep) +
                         " shows what there is")
              : response.status();
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
