// cancel, pause, resume, retry: a sweep, or some of its trials.

#include <ostream>

#include "client/commands/commands.h"
#include "client/commands/options.h"
#include "client/commands/session.h"
#include "client/format/text.h"
#include "client/link/resolve.h"
#include "client/view/convert.h"

namespace fusor::client {

namespace {

// The words of one command line: one sweep, or trials.
struct Targets {
  std::uint64_t sweep = 0;
  std::vector<std::string> trials;
};

Result<Targets> ResolveTargets(Session& session, Api& api) {
  Targets targets;
  const std::vector<std::string> words = session.arguments().List("SWEEP|TRIAL");
  for (const std::string& word : words) {
    if (!LooksLikeTrial(word)) {
      if (words.size() > 1) {
        return InvalidArgument("either one sweep or trials: '" + word +
                               "' is no trial (SWEEP.STAGE.INDEX)");
      }
      const Result<std::uint64_t> sweep = ResolveSweep(api, word);
      if (!sweep.ok()) return sweep.status();
      targets.sweep = *sweep;
      return targets;
    }
    const Result<std::string> trial = ResolveTrial(api, word);
    if (!trial.ok()) return trial.status();
    targets.trials.push_back(*trial);
  }
  return targets;
}

std::string Shown(const Targets& targets) {
  if (targets.sweep != 0) return "sweep " + std::to_string(targets.sweep);
  return targets.trials.size() == 1 ? targets.trials[0] : CountOf(targets.trials.size(), "trial");
}

// The sweep to look at next.
std::string SweepOf(const Targets& targets) {
  if (targets.sweep != 0) return std::to_string(targets.sweep);
  return targets.trials[0].substr(0, targets.trials[0].find('.'));
}

std::vector<std::string> Ids(const Targets& targets) {
  return targets.sweep != 0 ? std::vector<std::string>{std::to_string(targets.sweep)}
                            : targets.trials;
}

Result<v1::Sweep> GetSweep(Api& api, std::uint64_t id) {
  v1::GetSweepRequest request;
  request.set_sweep(id);
  Result<v1::GetSweepResponse> response = api.Call(request);
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_sweep());
}

std::string HowItEnded(const v1::Sweep& sweep) {
  return sweep.state() == v1::SWEEP_STATE_CANCELED ? "was canceled already"
                                                   : "had finished already";
}

Status IsOverAlready(const v1::Sweep& sweep, const std::string& verb) {
  const std::string id = std::to_string(sweep.id());
  const bool canceled = sweep.state() == v1::SWEEP_STATE_CANCELED;
  return FailedPrecondition("sweep " + id + " " + HowItEnded(sweep) + ": there is nothing to " +
                            verb +
                            (canceled ? "\nfusor retry " + id + " runs what was canceled"
                                      : "\nfusor results " + id + " shows what came of it"));
}

// Why the coordinator would not: a sweep that is over can neither be paused nor resumed. Asked only
// after the refusal: a request that repeats an earlier one is answered as that was.
Status WhyRefused(Api& api, std::uint64_t id, const Status& refusal, const std::string& verb) {
  if (refusal.code() != Code::kFailedPrecondition) return refusal;
  const Result<v1::Sweep> sweep = GetSweep(api, id);
  return sweep.ok() && IsOver(sweep->state()) ? IsOverAlready(*sweep, verb) : refusal;
}

// Nothing was left to cancel: says why.
Result<int> NothingToCancel(Session& session, Api& api, const Targets& targets) {
  std::string text = targets.trials.size() == 1 ? Shown(targets) + " has ended already"
                                                : "all " + Shown(targets) + " have ended already";
  if (targets.sweep != 0) {
    const Result<v1::Sweep> sweep = GetSweep(api, targets.sweep);
    if (!sweep.ok()) return sweep.status();
    text = Shown(targets) + " " +
           (IsOver(sweep->state()) ? HowItEnded(*sweep) : "has nothing left to run");
    text += " (" + CountsText(CountsOf(sweep->counts()), session.look()) + ")";
  }
  session.Report(Json::Object().Set("canceled", 0), text + ": nothing to cancel", Ids(targets));
  session.Next({"fusor results " + SweepOf(targets) + "  # what is there"});
  return kExitOk;
}

// The sweep may have ended by itself a moment before.
bool HadFinished(Api& api, const Targets& targets, const Status& status) {
  if (targets.sweep == 0 || status.code() != Code::kFailedPrecondition) return false;
  const Result<v1::Sweep> sweep = GetSweep(api, targets.sweep);
  return sweep.ok() && IsOver(sweep->state());
}

Result<int> RunCancel(Session& session) {
  const Result<Api*> api = session.Connect();
  if (!api.ok()) return api.status();
  const Result<Targets> targets = ResolveTargets(session, **api);
  if (!targets.ok()) return targets.status();
  std::uint64_t trials = 0;
  if (targets->sweep != 0) {
    v1::CancelSweepRequest request;
    request.set_request_id(session.RequestId());
    request.set_sweep(targets->sweep);
    request.set_reason(session.arguments().Text("reason"));
    const Result<v1::CancelSweepResponse> response = (*api)->Call(request);
    if (!response.ok() && HadFinished(**api, *targets, response.status())) {
      return NothingToCancel(session, **api, *targets);
    }
    if (!response.ok()) return response.status();
    trials = response->trials();
  } else {
    v1::CancelTrialsRequest request;
    request.set_request_id(session.RequestId());
    for (const std::string& trial : targets->trials) request.add_trials(trial);
    const Result<v1::CancelTrialsResponse> response = (*api)->Call(request);
    if (!response.ok()) return response.status();
    trials = response->trials();
  }
  if (trials == 0) return NothingToCancel(session, **api, *targets);
  session.Report(
      Json::Object().Set("canceled", trials),
      Shown(*targets) + " canceled: " + CountOf(trials, "trial") + " will not run to the end",
      Ids(*targets));
  const std::string sweep = SweepOf(*targets);
  session.Next({"fusor results " + sweep + "  # what is there",
                "fusor retry " + (targets->sweep != 0 ? sweep : targets->trials[0]) +
                    "  # run them after all"});
  return kExitOk;
}

Result<int> RunPause(Session& session) {
  const Result<Api*> api = session.Connect();
  if (!api.ok()) return api.status();
  const Result<std::uint64_t> sweep = ResolveSweep(**api, session.arguments().Text("SWEEP"));
  if (!sweep.ok()) return sweep.status();
  v1::PauseSweepRequest request;
  request.set_request_id(session.RequestId());
  request.set_sweep(*sweep);
  request.set_now(session.arguments().Flag("now"));
  const Result<v1::PauseSweepResponse> response = (*api)->Call(request);
  if (!response.ok()) return WhyRefused(**api, *sweep, response.status(), "pause");
  const std::string id = std::to_string(*sweep);
  session.Report(Json::Object().Set("paused", *sweep),
                 "sweep " + id + " is paused: " +
                     (request.now() ? "running trials write a checkpoint and give up their slots"
                                    : "nothing new starts; running trials go on to their end"),
                 {id});
  if (request.now()) {
    session.Next({"fusor resume " + id});
  } else {
    session.Next({"fusor resume " + id, "fusor pause " + id + " --now  # stop running trials too"});
  }
  return kExitOk;
}

Result<int> ResumeWorker(Session& session, Api& api, const std::string& worker) {
  v1::ResumeWorkerRequest request;
  request.set_request_id(session.RequestId());
  request.set_worker(worker);
  const Result<v1::ResumeWorkerResponse> response = api.Call(request);
  if (!response.ok()) return response.status();
  session.Report(Json::Object().Set("resumed", worker), "worker " + worker + " takes trials again",
                 {worker});
  session.Next({"fusor workers"});
  return kExitOk;
}

Result<int> RunResume(Session& session) {
  const Result<Api*> api = session.Connect();
  if (!api.ok()) return api.status();
  const std::string worker = session.arguments().Text("worker");
  const std::string word = session.arguments().Text("SWEEP");
  if (worker.empty() == word.empty()) {
    return InvalidArgument(
        "resume takes a sweep, or --worker NAME\nfusor resume --help explains it");
  }
  if (!worker.empty()) return ResumeWorker(session, **api, worker);
  const Result<std::uint64_t> sweep = ResolveSweep(**api, word);
  if (!sweep.ok()) return sweep.status();
  v1::ResumeSweepRequest request;
  request.set_request_id(session.RequestId());
  request.set_sweep(*sweep);
  const Result<v1::ResumeSweepResponse> response = (*api)->Call(request);
  if (!response.ok()) return WhyRefused(**api, *sweep, response.status(), "resume");
  const std::string id = std::to_string(*sweep);
  session.Report(Json::Object().Set("resumed", *sweep), "sweep " + id + " goes on", {id});
  session.Next({"fusor watch " + id});
  return kExitOk;
}

Result<int> RunRetry(Session& session) {
  const Result<Api*> api = session.Connect();
  if (!api.ok()) return api.status();
  const Result<Targets> targets = ResolveTargets(session, **api);
  if (!targets.ok()) return targets.status();
  v1::RetryTrialsRequest request;
  request.set_request_id(session.RequestId());
  request.set_sweep(targets->sweep);
  for (const std::string& trial : targets->trials) request.add_trials(trial);
  const Result<v1::RetryTrialsResponse> response = (*api)->Call(request);
  if (!response.ok()) return response.status();
  session.Report(Json::Object().Set("retried", response->trials()),
                 response->trials() == 0 ? "nothing to retry in " + Shown(*targets)
                                         : CountOf(response->trials(), "trial") + " will run again",
                 Ids(*targets));
  const std::string sweep = SweepOf(*targets);
  if (response->trials() > 0) {
    session.Next({"fusor watch " + sweep});
  } else {
    session.Next({"fusor show " + sweep + "  # how it stands"});
  }
  return kExitOk;
}

CommandSpec Steering(std::string name, std::string help, Result<int> (*run)(Session&)) {
  CommandSpec spec;
  spec.name = std::move(name);
  spec.topic = Topic::kSteer;
  spec.help = std::move(help);
  spec.outputs = {Output::kTable, Output::kJson, Output::kId};
  spec.run = run;
  return spec;
}

}  // namespace

CommandSpec CancelCommand() {
  CommandSpec spec =
      Steering("cancel", "stop a sweep or some trials for good, without a checkpoint", RunCancel);
  spec.arguments = {SweepOrTrialsArgument()};
  spec.options = {{.name = "reason",
                   .takes = Takes::kText,
                   .value_name = "TEXT",
                   .help = "kept with the history of the sweep; not of single trials"},
                  RequestIdOption()};
  return spec;
}

CommandSpec PauseCommand() {
  CommandSpec spec =
      Steering("pause", "start nothing new of a sweep; running trials go on", RunPause);
  spec.arguments = {SweepArgument()};
  spec.options = {{.name = "now", .help = "running trials checkpoint and give up their slots"},
                  RequestIdOption()};
  return spec;
}

CommandSpec ResumeCommand() {
  CommandSpec spec =
      Steering("resume", "go on with a paused sweep, or give a worker trials again", RunResume);
  ArgumentSpec argument = SweepArgument();
  argument.required = false;
  spec.arguments = {argument};
  spec.options = {{.name = "worker",
                   .takes = Takes::kText,
                   .value_name = "WORKER",
                   .help = "end this worker's drain and release its quarantined slots"},
                  RequestIdOption()};
  return spec;
}

CommandSpec RetryCommand() {
  CommandSpec spec = Steering(
      "retry", "run failed trials again; those skipped because of them come back", RunRetry);
  spec.arguments = {SweepOrTrialsArgument()};
  spec.options = {RequestIdOption()};
  return spec;
}

}  // namespace fusor::client
