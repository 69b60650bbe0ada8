#include "worker/link/grpc_status.h"

namespace fusor::agent {

Status FromGrpc(const grpc::Status& status) {
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return Ok();
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::OUT_OF_RANGE:
      return InvalidArgument(status.error_message());
    case grpc::StatusCode::NOT_FOUND:
      return NotFound(status.error_message());
    case grpc::StatusCode::ALREADY_EXISTS:
      return AlreadyExists(status.error_message());
    case grpc::StatusCode::FAILED_PRECONDITION:
      return FailedPrecondition(status.error_message());
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return ResourceExhausted(status.error_message());
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::PERMISSION_DENIED:
      return Unauthenticated(status.error_message());
    case grpc::StatusCode::DATA_LOSS:
      return DataLoss(status.error_message());
    default:
      return Unavailable(status.error_message());
  }
}

}  // namespace fusor::agent
