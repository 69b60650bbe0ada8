#include "client/link/artifact_list.h"

namespace fusor::client {

Status ListArtifacts(Api& api, v1::ListArtifactsRequest request,
                     const std::function<void(const v1::Artifact&)>& take) {
  request.set_page_size(1'000);
  do {
    const Result<v1::ListArtifactsResponse> page = api.Call(request);
    if (!page.ok()) return page.status();
    for (const v1::Artifact& artifact : page->artifacts()) take(artifact);
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return Ok();
}

}  // namespace fusor::client
