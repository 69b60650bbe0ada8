#include <ostream>
#include <utility>

#include "client/commands/commands.h"
#include "client/commands/options.h"
#include "client/commands/session.h"
#include "client/link/resolve.h"
#include "client/terminal/signals.h"
#include "client/view/log_view.h"

namespace fusor::client {

namespace {

Status Choose(Session& session, Api& api, v1::WatchLogsRequest& request) {
  const std::string word = session.arguments().Text("SWEEP|TRIAL");
  if (LooksLikeTrial(word)) {
    const Result<std::string> trial = ResolveTrial(api, word);
    if (trial.ok()) request.set_trial(*trial);
    return trial.status();
  }
  const Result<std::uint64_t> sweep = ResolveSweep(api, word);
  if (sweep.ok()) request.set_sweep(*sweep);
  return sweep.status();
}

// The sweep that the lines are of.
Result<v1::Sweep> SweepOf(Api& api, const v1::WatchLogsRequest& request) {
  v1::GetSweepRequest get;
  get.set_sweep(request.sweep());
  if (!request.trial().empty()) {
    const Result<std::uint64_t> id =
        ResolveSweep(api, request.trial().substr(0, request.trial().find('.')));
    if (!id.ok()) return id.status();
    get.set_sweep(*id);
  }
  Result<v1::GetSweepResponse> found = api.Call(get);
  if (!found.ok()) return found.status();
  return std::move(*found->mutable_sweep());
}

Result<int> Run(Session& session) {
  const Result<Api*> api = session.Connect();
  if (!api.ok()) return api.status();
  v1::WatchLogsRequest request;
  RETURN_IF_ERROR(Choose(session, **api, request));
  const Result<v1::Sweep> sweep = SweepOf(**api, request);
  if (!sweep.ok()) return sweep.status();
  const bool follow = session.arguments().Flag("follow");
  request.set_follow(follow);
  request.set_tail(static_cast<std::uint32_t>(session.arguments().Count("tail", 0)));
  LogStyle style;
  style.prefixed = request.trial().empty();
  style.times = session.arguments().Flag("times");
  style.harmless = session.environment().terminal().is_terminal;
  const Signals::Guard guard(session.environment().signals, [&](int, int) { (*api)->Cancel(); });
  const Time started = session.now();
  while (true) {
    bool progressed = false;
    const Status status = (*api)->Read(
        request, Api::Reader<v1::WatchLogsResponse>([&](const v1::WatchLogsResponse& response) {
          for (const v1::LogLine& line : response.lines()) {
            request.set_cursor(line.cursor());
            progressed = true;
            session.out() << (session.output() == Output::kJson
                                  ? LogJson(line, *sweep).Line()
                                  : LogText(line, style, session.look()))
                          << "\n";
          }
          if (response.lines_size() > 0) request.set_tail(0);
          session.out().flush();
          return static_cast<bool>(session.out());
        }));
    if ((*api)->canceled()) return kExitInterrupted;
    if (status.ok()) {
      if (session.for_people() && !progressed) session.err() << "nothing was written yet\n";
      return kExitOk;
    }
    // A coordinator that restarts while logs are followed is waited for; the cursor goes on from
    // there.
    const bool was_reached = progressed || session.now() - started > Duration(1'000);
    if (!follow || !was_reached || status.code() != Code::kUnavailable) return status;
    const Result<v1::GetInfoResponse> back = (*api)->Call(v1::GetInfoRequest());
    if (!back.ok()) return back.status();
  }
}

}  // namespace

CommandSpec LogsCommand() {
  CommandSpec spec;
  spec.name = "logs";
  spec.topic = Topic::kLook;
  spec.help = "what trials write; all of a sweep's interleaved, each line with its trial's name";
  ArgumentSpec argument = SweepOrTrialsArgument();
  argument.help = "a sweep, or a trial like last.experts.3";
  argument.many = false;
  spec.arguments = {argument};
  spec.options = {{.name = "follow", .letter = 'f', .help = "go on until the end, or Ctrl-C"},
                  {.name = "tail",
                   .letter = 'n',
                   .takes = Takes::kCount,
                   .value_name = "N",
                   .help = "start N lines before the end"},
                  {.name = "times", .letter = 't', .help = "with the time of every line"}};
  spec.outputs = {Output::kTable, Output::kJson};
  spec.notes = "-o json prints one object per line.\n";
  spec.run = Run;
  return spec;
}

}  // namespace fusor::client
