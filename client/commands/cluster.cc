// workers and drain.

#include <algorithm>
#include <ostream>

#include "client/commands/commands.h"
#include "client/commands/options.h"
#include "client/commands/session.h"
#include "client/format/clock.h"
#include "client/format/text.h"
#include "client/view/cluster_view.h"
#include "client/view/convert.h"
#include "common/recipe/suggest.h"

namespace fusor::client {

namespace {

// Keeps the worker that is named; by the beginning of its name if none is exactly so.
Status Choose(const std::string& word, v1::ListWorkersResponse& response) {
  std::vector<std::string> names;
  v1::ListWorkersResponse chosen;
  v1::ListWorkersResponse beginning;
  for (const v1::Worker& worker : response.workers()) {
    names.push_back(worker.name());
    if (worker.name() == word || std::to_string(worker.id()) == word || worker.uid() == word) {
      *chosen.add_workers() = worker;
    }
    if (worker.name().starts_with(word)) *beginning.add_workers() = worker;
  }
  if (chosen.workers_size() == 0) chosen = std::move(beginning);
  if (chosen.workers_size() == 0) {
    return NotFound("no worker '" + word + "'" + Suggestion(word, names));
  }
  response = std::move(chosen);
  return Ok();
}

// A worker that could do more than it is let.
std::string FirstHeldBack(const v1::ListWorkersResponse& response) {
  for (const v1::Worker& worker : response.workers()) {
    const bool is_quarantined = std::any_of(
        worker.slots().begin(), worker.slots().end(),
        [](const v1::Slot& slot) { return slot.condition().starts_with("quarantined"); });
    if (is_quarantined || worker.state() == "draining") return worker.name();
  }
  return "";
}

Result<int> RunWorkers(Session& session) {
  const Result<Api*> api = session.Connect();
  if (!api.ok()) return api.status();
  v1::ListWorkersRequest request;
  request.set_include_gone(session.arguments().Flag("all"));
  Result<v1::ListWorkersResponse> response = (*api)->Call(request);
  if (!response.ok()) return response.status();
  const std::string word = session.arguments().Text("WORKER");
  if (!word.empty()) RETURN_IF_ERROR(Choose(word, *response));
  if (response->workers_size() == 0 && session.for_people()) {
    session.out() << "no workers\n";
    session.Next(
        {"fusor-worker --help  # how to start one", "fusor workers --all  # those that left"});
    return kExitOk;
  }
  const bool slots = session.arguments().Flag("slots") || !word.empty();
  if (session.for_people() && slots) {
    session.out() << RenderTable(WorkerTable(*response, session.now()), session.look()) << "\n"
                  << RenderTable(SlotTable(*response), session.look());
  } else {
    WriteTable(session.out(), session.output(), session.look(),
               session.arguments().Flag("slots") ? SlotTable(*response)
                                                 : WorkerTable(*response, session.now()));
  }
  if (session.for_people()) session.out() << WorkerNotes(*response, session.look());
  const std::string held = FirstHeldBack(*response);
  if (!held.empty()) {
    session.Next({"fusor resume --worker " + held + "  # ends its drain and its quarantines"});
  }
  return kExitOk;
}

Result<int> RunDrain(Session& session) {
  const Result<Api*> api = session.Connect();
  if (!api.ok()) return api.status();
  const std::string worker = session.arguments().Text("WORKER");
  v1::DrainRequest request;
  request.set_request_id(session.RequestId());
  request.set_worker(worker);
  request.set_reason(session.arguments().Text("reason"));
  const std::optional<Duration> deadline = session.arguments().Time("deadline");
  if (deadline) *request.mutable_deadline() = ToProto(session.now() + *deadline);
  const Result<v1::DrainResponse> response = (*api)->Call(request);
  if (!response.ok()) return response.status();
  std::string text = "worker " + worker + " takes no new trials; ";
  text += deadline ? "what still runs at " + ClockText(session.now() + *deadline) +
                         " writes a checkpoint and is handed back"
                   : "what runs goes on to its end";
  Json json = Json::Object().Set("drained", worker);
  json.Set("deadline", deadline ? TimeJson(session.now() + *deadline) : Json());
  session.Report(json, text, {worker});
  session.Next({"fusor workers " + worker + "  # what still runs there",
                "fusor resume --worker " + worker + "  # take trials again"});
  return kExitOk;
}

}  // namespace

CommandSpec WorkersCommand() {
  CommandSpec spec;
  spec.name = "workers";
  spec.topic = Topic::kCluster;
  spec.help = "workers and their slots, and what is wrong with them";
  spec.arguments = {{.name = "WORKER",
                     .help = "only this one, with its slots",
                     .required = false,
                     .completes = Completes::kWorker}};
  spec.options = {{.name = "slots", .letter = 's', .help = "every slot"},
                  {.name = "all", .letter = 'a', .help = "with workers that are gone"}};
  spec.outputs = {Output::kTable, Output::kJson, Output::kCsv, Output::kId};
  spec.run = RunWorkers;
  return spec;
}

CommandSpec DrainCommand() {
  CommandSpec spec;
  spec.name = "drain";
  spec.topic = Topic::kCluster;
  spec.help = "give a worker no new trials; `resume --worker` ends it";
  spec.arguments = {{.name = "WORKER",
                     .help = "its name, number, or the beginning of its name",
                     .completes = Completes::kWorker}};
  spec.options = {{.name = "deadline",
                   .takes = Takes::kDuration,
                   .value_name = "TIME",
                   .help = "after so long (30m, 2h), running trials checkpoint and move elsewhere"},
                  {.name = "reason",
                   .takes = Takes::kText,
                   .value_name = "TEXT",
                   .help = "shown with the worker"},
                  RequestIdOption()};
  spec.outputs = {Output::kTable, Output::kJson, Output::kId};
  spec.run = RunDrain;
  return spec;
}

}  // namespace fusor::client
