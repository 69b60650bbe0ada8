#pragma once

// Between the session's plain messages (common/base/session.h) and the wire. What a peer sent is
// never trusted: a message that makes no sense is an error, and the caller closes that stream.

#include <span>
#include <vector>

#include "common/base/session.h"
#include "common/base/status.h"
#include "proto/fusor/v1/worker_service.pb.h"

namespace fusor {

void AppendTo(v1::SessionRequest& out, const WorkerMessage& message);
void AppendTo(v1::SessionResponse& out, const CoordinatorMessage& message);

Result<std::vector<WorkerMessage>> FromWire(const v1::SessionRequest& in);
Result<std::vector<CoordinatorMessage>> FromWire(const v1::SessionResponse& in);

// One fact alone: the spool stores facts in this form.
void ToWire(const FactBody& body, v1::Fact& out);
Result<FactBody> FromWire(const v1::Fact& in);

}  // namespace fusor
