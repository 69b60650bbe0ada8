#pragma once

// Status and Result: how an operation that can fail says so. Codes map one-to-one onto gRPC's.

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/check.h"

namespace fusor {

enum class Code {
  kOk,
  kInvalidArgument,  // what the caller said can never work
  kNotFound,
  kAlreadyExists,
  kFailedPrecondition,  // not in this state
  kResourceExhausted,   // a limit was reached
  kUnavailable,         // try again later
  kUnauthenticated,
  kDataLoss,  // stored or received bytes are damaged
  kInternal,
};

// The code's name as users see it, e.g. "NOT_FOUND".
std::string_view CodeName(Code code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }
  // "NOT_FOUND: no sweep 7", or "OK".
  std::string ToString() const;

  friend bool operator==(const Status&, const Status&) = default;

 private:
  Code code_ = Code::kOk;
  std::string message_;
};

inline Status Ok() { return Status(); }
inline Status InvalidArgument(std::string message) {
  return Status(Code::kInvalidArgument, std::move(message));
}
inline Status NotFound(std::string message) { return Status(Code::kNotFound, std::move(message)); }
inline Status AlreadyExists(std::string message) {
  return Status(Code::kAlreadyExists, std::move(message));
}
inline Status FailedPrecondition(std::string message) {
  return Status(Code::kFailedPrecondition, std::move(message));
}
inline Status ResourceExhausted(std::string message) {
  return Status(Code::kResourceExhausted, std::move(message));
}
inline Status Unavailable(std::string message) {
  return Status(Code::kUnavailable, std::move(message));
}
inline Status Unauthenticated(std::string message) {
  return Status(Code::kUnauthenticated, std::move(message));
}
inline Status DataLoss(std::string message) { return Status(Code::kDataLoss, std::move(message)); }
inline Status Internal(std::string message) { return Status(Code::kInternal, std::move(message)); }

// A value or the reason why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT: a value is a result
  Result(Status status) : status_(std::move(status)) { CHECK(!status_.ok()); }  // NOLINT

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }

  T& value() & {
    CHECK(ok());
    return *value_;
  }
  const T& value() const& {
    CHECK(ok());
    return *value_;
  }
  T&& value() && {
    CHECK(ok());
    return std::move(*value_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  Status status_;
  std::optional<T> value_;
};

}  // namespace fusor

// Leaves the function with the status when it is not ok.
#define RETURN_IF_ERROR(expression)                                  \
  do {                                                               \
    ::fusor::Status return_if_error_status = (expression);           \
    if (!return_if_error_status.ok()) return return_if_error_status; \
  } while (false)
