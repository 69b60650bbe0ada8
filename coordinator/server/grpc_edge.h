#pragma once

// What every gRPC file needs: status codes and the token.

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include "common/base/status.h"
#include "coordinator/server/guard.h"

namespace fusor {

grpc::Status ToGrpc(const Status& status);

// OK, or UNAUTHENTICATED with what to do.
grpc::Status Authorize(const Guard& guard, const grpc::ServerContextBase& context);

}  // namespace fusor
