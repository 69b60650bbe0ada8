#include "client/commands/submission.h"

#include <ostream>

#include "client/format/text.h"
#include "client/local/file_check.h"
#include "client/view/plan_view.h"

namespace fusor::client {

std::string OverrideWords(const std::vector<std::string>& overrides) {
  std::string words;
  for (const std::string& each : overrides) words += " --set " + ShellWord(each);
  return words;
}

Result<v1::SubmitResponse> Submit(Session& session, Api& api, const Submission& submission) {
  v1::SubmitRequest request;
  request.set_request_id(submission.request_id);
  request.set_source(submission.source);
  for (const std::string& each : submission.overrides) request.add_overrides(each);
  Result<v1::SubmitResponse> response = api.Call(request);
  if (!response.ok() && response.status().code() == Code::kAlreadyExists) {
    return AlreadyExists(response.status().message() +
                         "\ntake another --request-id: this one belongs to another sweep");
  }
  if (response.ok() && response->problems_size() > 0) {
    PrintProblems(session, submission, response->problems());
  }
  if (response.ok()) {
    session.err() << FileWarnings(CheckFiles(session.environment(), response->file_checks()),
                                  session.err_look())
                  << std::flush;
  }
  return response;
}

void PrintProblems(Session& session, const Submission& submission,
                   const google::protobuf::RepeatedPtrField<v1::Problem>& problems) {
  if (session.output() == Output::kJson) {
    Json json = Json::Object();
    json.Set("problems", ProblemsJson(problems, submission.file));
    session.out() << json.Pretty() << "\n";
  }
  session.err() << ProblemsText(problems, submission.file, submission.source, session.err_look())
                << std::flush;
}

}  // namespace fusor::client
