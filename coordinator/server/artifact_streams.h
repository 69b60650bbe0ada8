#pragma once

// The streams of ArtifactService. Each step (a chunk to or from the disk) is a task of a reader
// thread; the next read or write starts when it is done.

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "coordinator/server/edge.h"
#include "fusor/v1/artifact_service.pb.h"

namespace fusor {

grpc::ServerReadReactor<v1::UploadRequest>* OpenUpload(const Edge& edge,
                                                       grpc::CallbackServerContext* call,
                                                       v1::UploadResponse& response);

grpc::ServerWriteReactor<v1::DownloadResponse>* OpenDownload(const Edge& edge,
                                                             grpc::CallbackServerContext* call,
                                                             const v1::DownloadRequest& request);

}  // namespace fusor
