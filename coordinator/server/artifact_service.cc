#include "coordinator/server/artifact_service.h"

#include <algorithm>
#include <charconv>

#include "common/base/limits.h"
#include "coordinator/server/artifact_streams.h"
#include "coordinator/server/convert.h"
#include "coordinator/server/lookup.h"

namespace fusor {

namespace {
constexpr std::size_t kArtifactsPerPage = 1'000;
}  // namespace

Status ArtifactService::FillOne(ArtifactId id, v1::ListArtifactsResponse& response) {
  const Result<std::optional<PutArtifact>> artifact = edge_.readers->state->FindArtifact(id);
  if (!artifact.ok()) return artifact.status();
  if (!*artifact) return Ok();
  const auto model = edge_.specs->Get((*artifact)->trial.sweep, *edge_.readers->state);
  if (!model.ok()) return model.status();
  *response.add_artifacts() = ToWire(**artifact, **model);
  return Ok();
}

Status ArtifactService::FillList(const v1::ListArtifactsRequest& request,
                                 v1::ListArtifactsResponse& response) {
  if (request.artifact() != 0) return FillOne(ArtifactId{request.artifact()}, response);
  Readers& readers = *edge_.readers;
  ArtifactQuery query;
  std::shared_ptr<const SweepModel> model;
  if (!request.trial().empty()) {
    Result<ResolvedTrial> trial = ResolveTrial(request.trial(), readers, *edge_.specs);
    if (!trial.ok()) return trial.status();
    query.sweep = trial->key.sweep;
    query.trial = trial->key;
    model = std::move(trial->model);
  } else {
    const Result<SweepId> sweep = ResolveSweep(request.sweep(), readers);
    if (!sweep.ok()) return sweep.status();
    query.sweep = *sweep;
    Result<std::shared_ptr<const SweepModel>> found = edge_.specs->Get(*sweep, *readers.state);
    if (!found.ok()) return found.status();
    model = std::move(*found);
  }
  if (request.best_only() && !query.trial) {
    const Goal goal = model->spec->objective.maximize ? Goal::kMaximize : Goal::kMinimize;
    const Result<std::optional<PutTrial>> best = readers.state->Best(query.sweep, {}, goal);
    if (!best.ok()) return best.status();
    if (!*best) return Ok();
    query.trial = (*best)->key;
  }
  query.kinds = {request.kinds().begin(), request.kinds().end()};
  query.limit = request.page_size() == 0
                    ? kArtifactsPerPage
                    : std::min<std::size_t>(request.page_size(), limits::kPageSizeMax);
  const std::string& token = request.page_token();
  if (!token.empty()) {
    const char* const end = token.data() + token.size();
    const auto [stop, error] = std::from_chars(token.data(), end, query.after.value);
    if (error != std::errc() || stop != end) {
      return InvalidArgument("page_token: not one of this server's");
    }
  }
  const Result<std::vector<PutArtifact>> artifacts = readers.state->Artifacts(query);
  if (!artifacts.ok()) return artifacts.status();
  std::size_t bytes = 0;
  for (const PutArtifact& artifact : *artifacts) {
    v1::Artifact& added = *response.add_artifacts();
    added = ToWire(artifact, *model);
    bytes += added.ByteSizeLong();
    const bool last = &artifact == &artifacts->back();
    if (last ? artifacts->size() == query.limit : bytes > kPageBytes) {
      response.set_next_page_token(std::to_string(artifact.id.value));
      break;
    }
  }
  return Ok();
}

ArtifactService::Unary ArtifactService::List(Call call, const v1::ListArtifactsRequest* request,
                                             v1::ListArtifactsResponse* response) {
  return Read(edge_, call,
              [this, request, response](Readers&) { return FillList(*request, *response); });
}

ArtifactService::Unary ArtifactService::GetUpload(Call call, const v1::GetUploadRequest* request,
                                                  v1::GetUploadResponse* response) {
  return Read(edge_, call, [this, request, response](Readers&) {
    const auto status = edge_.artifacts->Find(request->sha256(), request->bytes());
    if (!status.ok()) return status.status();
    response->set_offset(status->offset);
    response->set_complete(status->is_complete);
    return Ok();
  });
}

grpc::ServerReadReactor<v1::UploadRequest>* ArtifactService::Upload(Call call,
                                                                    v1::UploadResponse* response) {
  return OpenUpload(edge_, call, *response);
}

grpc::ServerWriteReactor<v1::DownloadResponse>* ArtifactService::Download(
    Call call, const v1::DownloadRequest* request) {
  return OpenDownload(edge_, call, *request);
}

}  // namespace fusor
