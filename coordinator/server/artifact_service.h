#pragma once

// ArtifactService: files by content, streamed in chunks. Disks are touched on reader threads only.

#include "coordinator/server/edge.h"
#include "fusor/v1/artifact_service.grpc.pb.h"

namespace fusor {

class ArtifactService final : public v1::ArtifactService::CallbackService {
 public:
  explicit ArtifactService(const Edge& edge) : edge_(edge) {}

  using Unary = grpc::ServerUnaryReactor*;
  using Call = grpc::CallbackServerContext*;

  Unary List(Call call, const v1::ListArtifactsRequest* request,
             v1::ListArtifactsResponse* response) override;
  Unary GetUpload(Call call, const v1::GetUploadRequest* request,
                  v1::GetUploadResponse* response) override;
  grpc::ServerReadReactor<v1::UploadRequest>* Upload(Call call,
                                                     v1::UploadResponse* response) override;
  grpc::ServerWriteReactor<v1::DownloadResponse>* Download(
      Call call, const v1::DownloadRequest* request) override;

 private:
  Status FillOne(ArtifactId id, v1::ListArtifactsResponse& response);
  Status FillList(const v1::ListArtifactsRequest& request, v1::ListArtifactsResponse& response);

  const Edge& edge_;
};

}  // namespace fusor
