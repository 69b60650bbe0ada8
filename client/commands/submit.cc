#include <ostream>

#include "client/commands/commands.h"
#include "client/commands/follow.h"
#include "client/commands/options.h"
#include "client/commands/session.h"
#include "client/commands/submission.h"
#include "client/format/text.h"

namespace fusor::client {

namespace {

void ShowSubmitted(Session& session, const v1::SubmitResponse& response) {
  const std::string id = std::to_string(response.sweep());
  if (session.output() == Output::kJson) {
    Json json = Json::Object();
    json.Set("sweep", response.sweep()).Set("trials", response.trials());
    session.out() << json.Pretty() << "\n";
  } else if (session.output() == Output::kId) {
    session.out() << id << "\n";
  } else {
    session.out() << session.look().Paint("sweep " + id, Style::kStrong)
                  << " submitted: " << CountOf(response.trials(), "trial") << "\n";
  }
}

Result<int> Run(Session& session) {
  Submission submission;
  const Result<std::string> source = ReadSource(session, session.arguments().Text("FILE"));
  if (!source.ok()) return source.status();
  submission.file = session.arguments().Text("FILE");
  submission.source = *source;
  submission.overrides = session.arguments().List("set");
  submission.request_id = session.RequestId();
  const Result<Api*> api = session.Connect();
  if (!api.ok()) return api.status();
  const Result<v1::SubmitResponse> response = Submit(session, **api, submission);
  if (!response.ok()) return response.status();
  if (response->problems_size() > 0) return kExitBadInput;
  const std::string id = std::to_string(response->sweep());
  if (!session.arguments().Flag("wait")) {
    ShowSubmitted(session, *response);
    session.Next({"fusor watch " + id + "  # live progress",
                  "fusor logs " + id + " -f  # what the trials write",
                  "fusor results " + id + "  # the table, as far as it is",
                  "fusor cancel " + id + "  # stop it"});
    return kExitOk;
  }
  if (session.for_people()) ShowSubmitted(session, *response);
  FollowOptions options;
  options.on_interrupt = "sweep " + id + " goes on; fusor watch " + id +
                         " comes back, fusor cancel " + id + " stops it";
  const Result<Followed> followed = FollowSweep(session, **api, response->sweep(), options);
  if (!followed.ok()) return followed.status();
  if (followed->interrupted) return kExitInterrupted;
  Result<int> code = ShowEnd(session, **api, followed->sweep);
  if (code.ok()) NextAfterEnd(session, followed->sweep);
  return code;
}

}  // namespace

CommandSpec SubmitCommand() {
  CommandSpec spec;
  spec.name = "submit";
  spec.topic = Topic::kRun;
  spec.help = "hand a sweep to the coordinator";
  spec.arguments = {FileArgument()};
  spec.options = {{.name = "wait",
                   .letter = 'w',
                   .help = "follow it to its end; exit code 0 if every trial succeeded, 1 if one "
                           "did not, 4 if results miss the `expect`"},
                  SetOption(),
                  RequestIdOption()};
  spec.outputs = {Output::kTable, Output::kJson, Output::kId};
  spec.notes =
      "examples\n"
      "  fusor submit sweep.yaml --wait\n"
      "  fusor submit sweep.yaml --set stages.fusion.params.epochs=10 --set seeds=[0,1]\n"
      "  id=$(fusor submit sweep.yaml -o id)\n";
  spec.run = Run;
  return spec;
}

}  // namespace fusor::client
