#include "client/commands/commands.h"
#include "client/commands/session.h"
#include "client/view/sweep_view.h"

namespace fusor::client {

namespace {

constexpr std::uint64_t kShown = 20;  // in the table, unless --all
constexpr std::uint32_t kPage = 500;

Result<int> Run(Session& session) {
  const Result<Api*> api = session.Connect();
  if (!api.ok()) return api.status();
  const bool limited = session.for_people() && !session.arguments().Flag("all");
  v1::ListSweepsRequest request;
  request.set_page_size(limited ? kShown : kPage);
  if (session.arguments().Flag("active")) {
    request.add_states(v1::SWEEP_STATE_RUNNING);
    request.add_states(v1::SWEEP_STATE_PAUSED);
  }
  TableWriter writer(session.out(), session.output(), session.look(),
                     SweepTable(session.now(), session.look()));
  bool more = false;
  do {
    const Result<v1::ListSweepsResponse> page = (*api)->Call(request);
    if (!page.ok()) return page.status();
    for (const v1::Sweep& sweep : page->sweeps()) {
      writer.Add(SweepRow(sweep, session.now(), session.look()));
    }
    request.set_page_token(page->next_page_token());
    more = !request.page_token().empty();
  } while (more && !limited);
  if (writer.rows() == 0 && session.for_people()) {
    session.out() << "no sweeps\n";
    session.Next({"fusor submit FILE", "fusor plan FILE  # what it would do"});
    return kExitOk;
  }
  writer.Finish();
  if (more) session.Next({"fusor ls --all  # the older ones too"});
  return kExitOk;
}

}  // namespace

CommandSpec LsCommand() {
  CommandSpec spec;
  spec.name = "ls";
  spec.topic = Topic::kLook;
  spec.help = "list sweeps, newest first";
  spec.options = {{.name = "all", .letter = 'a', .help = "all of them (default: the newest 20)"},
                  {.name = "active", .help = "only those that are not over"}};
  spec.outputs = {Output::kTable, Output::kJson, Output::kCsv, Output::kId};
  spec.run = Run;
  return spec;
}

}  // namespace fusor::client
