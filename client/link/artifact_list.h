#pragma once

// Artifacts, page by page.

#include <functional>

#include "client/link/api.h"
#include "common/base/status.h"

namespace fusor::client {

Status ListArtifacts(Api& api, v1::ListArtifactsRequest request,
                     const std::function<void(const v1::Artifact&)>& take);

}  // namespace fusor::client
