#pragma once

// A sweep file on its way to the coordinator: used by submit and local.

#include <string>
#include <vector>

#include "client/commands/session.h"
#include "common/base/status.h"

namespace fusor::client {

struct Submission {
  std::string file;  // for messages
  std::string source;
  std::vector<std::string> overrides;
  std::string request_id;
};

// " --set KEY=VALUE" of each, as a shell reads it.
std::string OverrideWords(const std::vector<std::string>& overrides);

// A response with problems has been printed already: then the exit code is 2.
Result<v1::SubmitResponse> Submit(Session& session, Api& api, const Submission& submission);

// Problems of a file: to stderr with the lines, as JSON to stdout if that was asked for.
void PrintProblems(Session& session, const Submission& submission,
                   const google::protobuf::RepeatedPtrField<v1::Problem>& problems);

}  // namespace fusor::client
