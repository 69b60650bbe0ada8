// set, extend, rm: changes to a sweep as a whole.

#include <charconv>
#include <iostream>
#include <optional>

#include "client/commands/commands.h"
#include "client/commands/options.h"
#include "client/commands/session.h"
#include "client/format/text.h"
#include "client/link/resolve.h"
#include "client/view/convert.h"
#include "common/recipe/suggest.h"

namespace fusor::client {

namespace {

Result<std::int64_t> Number(std::string_view text) {
  std::int64_t number = 0;
  text = Trim(text);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return InvalidArgument("'" + std::string(text) + "' is no whole number");
  }
  return number;
}

Status Assign(const std::string& word, v1::SetSweepRequest& request) {
  const std::vector<std::string> names = {"priority", "max_running"};
  const std::size_t equals = word.find('=');
  const std::string name = word.substr(0, equals);
  if (equals == std::string::npos || (name != names[0] && name != names[1])) {
    return InvalidArgument("'" + word + "' cannot be set" + Suggestion(name, names) +
                           "\nwrite priority=1..99 or max_running=N (0 = no limit)");
  }
  const Result<std::int64_t> value = Number(std::string_view(word).substr(equals + 1));
  if (!value.ok()) return InvalidArgument(name + ": " + value.status().message());
  const bool is_priority = name == "priority";
  if (*value < (is_priority ? 1 : 0) || *value > (is_priority ? 99 : 1'000'000'000)) {
    return InvalidArgument(is_priority ? "priority goes from 1 to 99, higher first"
                                       : "max_running is 0 (no limit) or more");
  }
  if (is_priority) {
    request.set_priority(static_cast<std::int32_t>(*value));
  } else {
    request.set_max_running(static_cast<std::int32_t>(*value));
  }
  return Ok();
}

Result<int> RunSet(Session& session) {
  v1::SetSweepRequest request;
  for (const std::string& word : session.arguments().List("NAME=VALUE")) {
    RETURN_IF_ERROR(Assign(word, request));
  }
  const Result<Api*> api = session.Connect();
  if (!api.ok()) return api.status();
  const Result<std::uint64_t> sweep = ResolveSweep(**api, session.arguments().Text("SWEEP"));
  if (!sweep.ok()) return sweep.status();
  request.set_request_id(session.RequestId());
  request.set_sweep(*sweep);
  const Result<v1::SetSweepResponse> response = (*api)->Call(request);
  if (!response.ok()) return response.status();
  const std::string id = std::to_string(*sweep);
  Json json = Json::Object().Set("sweep", *sweep);
  std::vector<std::string> said;
  if (request.has_priority()) {
    json.Set("priority", request.priority());
    said.push_back("priority " + std::to_string(request.priority()));
  }
  if (request.has_max_running()) {
    json.Set("max_running", request.max_running());
    said.push_back("max_running " + std::to_string(request.max_running()));
  }
  session.Report(json, "sweep " + id + ": " + Join(said, ", "), {id});
  session.Next({"fusor show " + id});
  return kExitOk;
}

// "3,4" and "3 4" and "5-8".
Result<std::vector<std::int64_t>> Seeds(const std::vector<std::string>& words) {
  constexpr std::int64_t kRangeMax = 100'000;
  std::vector<std::int64_t> seeds;
  for (const std::string& word : words) {
    for (const std::string& part : Split(word, ',')) {
      if (Trim(part).empty()) continue;
      const std::size_t dash = part.find('-', 1);
      const Result<std::int64_t> first = Number(part.substr(0, dash));
      if (!first.ok()) return InvalidArgument("--seeds: " + first.status().message());
      const Result<std::int64_t> last =
          dash == std::string::npos ? first : Number(part.substr(dash + 1));
      if (!last.ok()) return InvalidArgument("--seeds: " + last.status().message());
      if (*last < *first || *last - *first > kRangeMax) {
        return InvalidArgument("--seeds: '" + part + "' is no range");
      }
      for (std::int64_t seed = *first; seed <= *last; ++seed) seeds.push_back(seed);
    }
  }
  if (seeds.empty())
    return InvalidArgument("--seeds is missing: which seeds to add, e.g. --seeds 3,4");
  return seeds;
}

Result<int> RunExtend(Session& session) {
  const Result<std::vector<std::int64_t>> seeds = Seeds(session.arguments().List("seeds"));
  if (!seeds.ok()) return seeds.status();
  const Result<Api*> api = session.Connect();
  if (!api.ok()) return api.status();
  const Result<std::uint64_t> sweep = ResolveSweep(**api, session.arguments().Text("SWEEP"));
  if (!sweep.ok()) return sweep.status();
  v1::ExtendSweepRequest request;
  request.set_request_id(session.RequestId());
  request.set_sweep(*sweep);
  for (const std::int64_t seed : *seeds) request.add_seeds(seed);
  const Result<v1::ExtendSweepResponse> response = (*api)->Call(request);
  if (!response.ok()) return response.status();
  const std::string id = std::to_string(*sweep);
  session.Report(Json::Object().Set("sweep", *sweep).Set("trials_added", response->trials_added()),
                 "sweep " + id + ": " + CountOf(response->trials_added(), "trial") +
                     " added, the others are as they were",
                 {id});
  session.Next({"fusor watch " + id, "fusor results " + id});
  return kExitOk;
}

Result<bool> Confirmed(Session& session, const v1::Sweep& sweep) {
  if (session.arguments().Flag("yes")) return true;
  const Counts counts = CountsOf(sweep.counts());
  const std::string what = "sweep " + std::to_string(sweep.id()) + " (" + sweep.name() +
                           "): " + CountsText(counts, session.look());
  if (!session.environment().in_is_terminal) {
    return InvalidArgument("rm asks before it removes " + what +
                           "\nnobody is here to answer: say --yes");
  }
  session.err() << what << "\nremove its trials, metrics, logs and artifacts for good? [y/N] "
                << std::flush;
  std::string answer;
  std::getline(*session.environment().in, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

Result<int> RunRm(Session& session) {
  const Result<Api*> api = session.Connect();
  if (!api.ok()) return api.status();
  const Result<std::uint64_t> sweep = ResolveSweep(**api, session.arguments().Text("SWEEP"));
  if (!sweep.ok()) return sweep.status();
  v1::GetSweepRequest get;
  get.set_sweep(*sweep);
  const Result<v1::GetSweepResponse> found = (*api)->Call(get);
  if (!found.ok()) return found.status();
  const std::string id = std::to_string(*sweep);
  if (!IsOver(found->sweep().state())) {
    return FailedPrecondition("sweep " + id + " is still " +
                              std::string(StateName(found->sweep().state())) + "\nfusor cancel " +
                              id + " stops it; then remove it");
  }
  const Result<bool> confirmed = Confirmed(session, found->sweep());
  if (!confirmed.ok()) return confirmed.status();
  if (!*confirmed) {
    session.err() << "nothing was removed\n";
    return kExitFailed;
  }
  v1::DeleteSweepRequest request;
  request.set_request_id(session.RequestId());
  request.set_sweep(*sweep);
  const Result<v1::DeleteSweepResponse> response = (*api)->Call(request);
  if (!response.ok()) return response.status();
  session.Report(Json::Object().Set("removed", *sweep), "sweep " + id + " removed", {id});
  session.Next({"fusor ls"});
  return kExitOk;
}

}  // namespace

CommandSpec SetCommand() {
  CommandSpec spec;
  spec.name = "set";
  spec.topic = Topic::kSteer;
  spec.help = "change a sweep's priority or how many of its trials run at a time";
  spec.arguments = {SweepArgument(),
                    {.name = "NAME=VALUE",
                     .help = "priority=1..99 (higher first), max_running=N (0 = no limit)",
                     .many = true,
                     .completes = Completes::kSetting}};
  spec.options = {RequestIdOption()};
  spec.outputs = {Output::kTable, Output::kJson, Output::kId};
  spec.notes = "example\n  fusor set last priority=80 max_running=4\n";
  spec.run = RunSet;
  return spec;
}

CommandSpec ExtendCommand() {
  CommandSpec spec;
  spec.name = "extend";
  spec.topic = Topic::kSteer;
  spec.help = "add seeds to a sweep; what has run stays as it is";
  spec.arguments = {SweepArgument()};
  spec.options = {{.name = "seeds",
                   .takes = Takes::kText,
                   .value_name = "3,4",
                   .help = "the seeds to add; ranges as 5-8",
                   .repeatable = true},
                  RequestIdOption()};
  spec.outputs = {Output::kTable, Output::kJson, Output::kId};
  spec.run = RunExtend;
  return spec;
}

CommandSpec RmCommand() {
  CommandSpec spec;
  spec.name = "rm";
  spec.topic = Topic::kSteer;
  spec.help = "remove a sweep that is over: its rows, metrics, logs and artifacts";
  spec.arguments = {SweepArgument()};
  spec.options = {{.name = "yes", .letter = 'y', .help = "do not ask"}, RequestIdOption()};
  spec.outputs = {Output::kTable, Output::kJson, Output::kId};
  spec.run = RunRm;
  return spec;
}

}  // namespace fusor::client
