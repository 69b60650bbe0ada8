#pragma once

// Any method by its name, with any bytes as its message: what a stranger on the port can do.

#include <grpcpp/grpcpp.h>

#include <string>
#include <vector>

namespace fusor::integration {

// "/fusor.v1.SweepService/Submit", for every method of every service that fusord serves.
std::vector<std::string> EveryMethod();

// Calls with this token (empty = without one) and one message of these bytes; waits for the end.
// `answer` takes the bytes of the last message that came back.
grpc::Status CallAnything(const std::string& address, const std::string& method,
                          const std::string& token, const std::string& bytes,
                          std::string* answer = nullptr);

}  // namespace fusor::integration
