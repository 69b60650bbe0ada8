#include <ostream>

#include "client/commands/commands.h"
#include "client/commands/options.h"
#include "client/commands/session.h"
#include "client/format/text.h"
#include "client/link/resolve.h"
#include "client/view/trial_view.h"

namespace fusor::client {

namespace {

// What to look at after a skipped trial: those that it needs and that did not succeed.
void NextAfterSkipped(const Session& session, const v1::ExplainTrialResponse& explained) {
  if (explained.skipped_because_of().empty()) return;
  const std::string& first = explained.skipped_because_of(0);
  session.Next(
      {"fusor trial " + first + "  # what happened to it",
       "fusor retry " +
           Join({explained.skipped_because_of().begin(), explained.skipped_because_of().end()},
                " ") +
           "  # brings back what was skipped because of it"});
}

// All reasons rather than the first.
Result<int> ShowSkipped(Session& session, Api& api, v1::GetTrialResponse trial) {
  v1::ExplainTrialRequest request;
  request.set_id(trial.trial().id());
  const Result<v1::ExplainTrialResponse> explained = api.Call(request);
  if (!explained.ok()) return explained.status();
  trial.mutable_trial()->set_reason(
      Join({explained->reasons().begin(), explained->reasons().end()}, "\n"));
  session.Show(TrialJson(trial), TrialText(trial, session.now(), session.look()));
  NextAfterSkipped(session, *explained);
  return kExitOk;
}

Result<int> Run(Session& session) {
  const Result<Api*> api = session.Connect();
  if (!api.ok()) return api.status();
  const Result<std::string> id = ResolveTrial(**api, session.arguments().Text("TRIAL"));
  if (!id.ok()) return id.status();
  v1::GetTrialRequest request;
  request.set_id(*id);
  const Result<v1::GetTrialResponse> response = (*api)->Call(request);
  if (!response.ok()) return response.status();
  if (session.output() == Output::kId || session.output() == Output::kCsv) {
    WriteTable(session.out(), session.output(), session.look(), TrialAsTable(*response));
    return kExitOk;
  }
  const bool is_skipped = response->trial().state() == v1::TRIAL_STATE_SKIPPED;
  if (is_skipped && session.for_people()) return ShowSkipped(session, **api, *response);
  session.Show(TrialJson(*response), TrialText(*response, session.now(), session.look()));
  switch (response->trial().state()) {
    case v1::TRIAL_STATE_FAILED:
      session.Next({"fusor logs " + *id + "  # everything it wrote", "fusor retry " + *id});
      break;
    case v1::TRIAL_STATE_READY:
    case v1::TRIAL_STATE_BLOCKED:
      session.Next({"fusor explain " + *id + "  # why it is not running"});
      break;
    default:
      session.Next({"fusor metrics " + *id, "fusor logs " + *id, "fusor artifacts " + *id});
  }
  return kExitOk;
}

Result<int> RunExplain(Session& session) {
  const Result<Api*> api = session.Connect();
  if (!api.ok()) return api.status();
  const Result<std::string> id = ResolveTrial(**api, session.arguments().Text("TRIAL"));
  if (!id.ok()) return id.status();
  v1::ExplainTrialRequest request;
  request.set_id(*id);
  Result<v1::ExplainTrialResponse> response = (*api)->Call(request);
  if (!response.ok()) return response.status();
  if (response->reasons().empty()) {
    // Nothing is in its way: what it does or how it ended stands with the trial itself.
    v1::GetTrialRequest get;
    get.set_id(*id);
    const Result<v1::GetTrialResponse> trial = (*api)->Call(get);
    if (!trial.ok()) return trial.status();
    for (const std::string& reason : StateReasons(*trial)) response->add_reasons(reason);
  }
  session.Show(ExplainJson(*id, *response), ExplainText(*id, *response, session.look()));
  NextAfterSkipped(session, *response);
  return kExitOk;
}

}  // namespace

CommandSpec TrialCommand() {
  CommandSpec spec;
  spec.name = "trial";
  spec.topic = Topic::kLook;
  spec.help = "one trial: parameters, attempts, what happened to it";
  spec.arguments = {TrialArgument()};
  spec.outputs = {Output::kTable, Output::kJson, Output::kCsv, Output::kId};
  spec.run = Run;
  return spec;
}

CommandSpec ExplainCommand() {
  CommandSpec spec;
  spec.name = "explain";
  spec.topic = Topic::kLook;
  spec.help = "why a trial is not running, or is in the state it is in";
  spec.arguments = {TrialArgument()};
  spec.outputs = {Output::kTable, Output::kJson};
  spec.run = RunExplain;
  return spec;
}

}  // namespace fusor::client
