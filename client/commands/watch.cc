#include "client/commands/commands.h"
#include "client/commands/follow.h"
#include "client/commands/options.h"
#include "client/commands/session.h"
#include "client/link/resolve.h"

namespace fusor::client {

namespace {

Result<int> Run(Session& session) {
  const Result<Api*> api = session.Connect();
  if (!api.ok()) return api.status();
  const Result<std::uint64_t> sweep = ResolveSweep(**api, session.arguments().Text("SWEEP"));
  if (!sweep.ok()) return sweep.status();
  FollowOptions options;
  options.on_interrupt = "sweep " + std::to_string(*sweep) + " goes on";
  const Result<Followed> followed = FollowSweep(session, **api, *sweep, options);
  if (!followed.ok()) return followed.status();
  if (followed->interrupted) return kExitInterrupted;
  Result<int> code = ShowEnd(session, **api, followed->sweep);
  if (code.ok()) NextAfterEnd(session, followed->sweep);
  return code;
}

}  // namespace

CommandSpec WatchCommand() {
  CommandSpec spec;
  spec.name = "watch";
  spec.topic = Topic::kLook;
  spec.help = "live progress of a sweep until it ends: every running trial, rates, slots";
  spec.arguments = {SweepArgument()};
  spec.outputs = {Output::kTable, Output::kJson, Output::kId};
  spec.notes =
      "Drawn in place on a terminal, single lines elsewhere. With -o json nothing is printed until "
      "the\n"
      "end. Exit code as that of submit --wait.\n";
  spec.run = Run;
  return spec;
}

}  // namespace fusor::client
