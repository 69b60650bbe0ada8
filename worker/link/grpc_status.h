#pragma once

// gRPC's outcomes as ours.

#include <grpcpp/support/status.h>

#include "common/base/status.h"

namespace fusor::agent {

// Whatever another try may cure is kUnavailable: no connection, a deadline, a token that is wrong
// for now.
Status FromGrpc(const grpc::Status& status);

}  // namespace fusor::agent
