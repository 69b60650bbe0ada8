#pragma once

// Where the coordinator is and which token opens it: options, then environment, then the data
// folder's own files `endpoint` and `token` (docs/protocol.md).

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "common/base/status.h"

namespace fusor::client {

// The file DATA/endpoint.
struct Endpoint {
  std::string grpc;
  std::string http;
  long pid = 0;
};
Result<Endpoint> ReadEndpoint(const std::filesystem::path& data);

// A token file's first line.
Result<std::string> ReadToken(const std::filesystem::path& file);

struct Target {
  std::string address;
  std::string token;
  std::filesystem::path data;  // empty if an address was given and no folder
};

struct TargetQuestion {
  std::string data;                                         // --data
  std::string coordinator;                                  // --coordinator
  std::string token_file;                                   // --token-file
  std::function<std::string(const std::string&)> variable;  // of the environment
  std::filesystem::path directory;                          // the working directory
};

// The data folder that is meant: --data, FUSOR_HOME, ./.fusor if a coordinator has been there,
// ~/.fusor.
std::filesystem::path DataFolder(const TargetQuestion& question);

// Unavailable, with how to start one, when no coordinator is recorded.
Result<Target> FindTarget(const TargetQuestion& question);

// The message for a coordinator that does not answer.
Status Unreachable(const std::string& address, const std::filesystem::path& data,
                   const std::string& reason);

}  // namespace fusor::client
