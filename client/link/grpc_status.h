#pragma once

// gRPC's codes as ours, one-to-one.

#include <grpcpp/support/status.h>

#include "common/base/status.h"

namespace fusor::client {

// CANCELLED and DEADLINE_EXCEEDED, which have no counterpart, become UNAVAILABLE; UNIMPLEMENTED and
// the rest INTERNAL.
Status FromGrpc(const grpc::Status& status);

}  // namespace fusor::client
