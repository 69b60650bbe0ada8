#include <algorithm>
#include <optional>
#include <ostream>

#include "client/commands/commands.h"
#include "client/commands/options.h"
#include "client/commands/session.h"
#include "client/format/text.h"
#include "client/link/resolve.h"
#include "client/view/convert.h"
#include "client/view/trial_view.h"

namespace fusor::client {

namespace {

constexpr std::uint64_t kShown = 100;  // in the table, unless --limit
constexpr std::uint32_t kPage = 2'000;

Result<v1::ListTrialsRequest> Request(Session& session, Api& api) {
  v1::ListTrialsRequest request;
  const Result<std::uint64_t> sweep = ResolveSweep(api, session.arguments().Text("SWEEP"));
  if (!sweep.ok()) return sweep.status();
  request.set_sweep(*sweep);
  request.set_where(session.arguments().Text("where"));
  request.set_stage(session.arguments().Text("stage"));
  for (const std::string& name : session.arguments().List("state")) {
    request.add_states(*TrialStateFromName(name));
  }
  return request;
}

Result<int> Run(Session& session) {
  const Result<Api*> api = session.Connect();
  if (!api.ok()) return api.status();
  Result<v1::ListTrialsRequest> request = Request(session, **api);
  if (!request.ok()) return request.status();
  // Programs get everything; people would not read it.
  const std::uint64_t limit = session.arguments().Count("limit", session.for_people() ? kShown : 0);
  std::optional<TableWriter> writer;
  std::vector<std::string> axes;
  std::uint64_t total = 0;
  while (true) {
    const std::uint64_t rest = limit == 0 ? kPage : limit - (writer ? writer->rows() : 0);
    if (rest == 0) break;
    request->set_page_size(static_cast<std::uint32_t>(std::min<std::uint64_t>(rest, kPage)));
    const Result<v1::ListTrialsResponse> page = (*api)->Call(*request);
    if (!page.ok()) return page.status();
    if (!writer) {
      axes.assign(page->axes().begin(), page->axes().end());
      writer.emplace(session.out(), session.output(), session.look(), TrialTable(axes));
      total = page->total();
    }
    for (const v1::Trial& trial : page->trials()) writer->Add(TrialRow(trial, axes));
    request->set_page_token(page->next_page_token());
    if (request->page_token().empty()) break;
  }
  if (session.for_people() && (!writer || writer->rows() == 0)) {
    session.out() << "no trial fits\n";
    return kExitOk;
  }
  writer->Finish();
  if (session.for_people() && total > writer->rows()) {
    session.out() << session.look().Paint(
                         "and " + CountText(total - writer->rows()) +
                             " more; --limit 0 shows all; --state, --stage and --where choose",
                         Style::kFaint)
                  << "\n";
  }
  return kExitOk;
}

}  // namespace

CommandSpec TrialsCommand() {
  CommandSpec spec;
  spec.name = "trials";
  spec.topic = Topic::kLook;
  spec.help = "list a sweep's trials";
  spec.arguments = {SweepArgument()};
  spec.options = {
      {.name = "state",
       .takes = Takes::kText,
       .value_name = "STATE",
       .help = "only those in this state: " + Join(TrialStateNames(), ", ") + "; may be repeated",
       .repeatable = true,
       .choices = TrialStateNames()},
      StageOption(),
      WhereOption(),
      {.name = "limit",
       .letter = 'n',
       .takes = Takes::kCount,
       .value_name = "N",
       .help = "at most so many, 0 = all (default: 100 in the table, all otherwise)"}};
  spec.outputs = {Output::kTable, Output::kJson, Output::kCsv, Output::kId};
  spec.notes =
      "examples\n"
      "  fusor trials last --state failed\n"
      "  fusor trials 7 --where precision=bf16 -o csv\n"
      "  fusor retry $(fusor trials 7 --state failed --where model=resnet -o id)\n";
  spec.run = Run;
  return spec;
}

}  // namespace fusor::client
