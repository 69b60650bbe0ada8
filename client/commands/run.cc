#include "client/commands/run.h"

#include <ostream>

#include "client/cli/parser.h"
#include "client/commands/commands.h"
#include "client/commands/session.h"
#include "client/format/text.h"

namespace fusor::client {

namespace {

int ExitCodeFor(Code code) {
  switch (code) {
    case Code::kOk:
      return kExitOk;
    case Code::kInvalidArgument:
    case Code::kNotFound:
    case Code::kAlreadyExists:
    case Code::kFailedPrecondition:
      return kExitBadInput;
    case Code::kUnavailable:
    case Code::kUnauthenticated:
      return kExitUnreachable;
    case Code::kResourceExhausted:
    case Code::kDataLoss:
    case Code::kInternal:
      return kExitFailed;
  }
  return kExitFailed;
}

// The first line says what is wrong, the others what to do.
int PrintError(const Status& status, std::ostream& err, const Look& look) {
  bool first = true;
  for (const std::string& line : Split(status.message(), '\n')) {
    err << (first ? look.Paint("error: ", Style::kBad) : "  ") << line << "\n";
    first = false;
  }
  err << std::flush;
  return ExitCodeFor(status.code());
}

}  // namespace

int RunFusor(const std::vector<std::string>& words, const Environment& environment) {
  const std::vector<CommandSpec> commands = AllCommands();
  const Result<ParsedCommand> parsed = ParseCommandLine(commands, words);
  if (!parsed.ok()) {
    Look look = LookOf(environment, false);
    look.colour = look.colour && environment.err_is_terminal;
    return PrintError(parsed.status(), *environment.err, look);
  }
  if (parsed->command == nullptr) {
    *environment.out << parsed->help << std::flush;
    return words.empty() ? kExitBadInput : kExitOk;
  }
  Session session(environment, *parsed, commands);
  const Result<int> code = parsed->command->run(session);
  environment.out->flush();
  if (code.ok()) return *code;
  return PrintError(session.Advise(code.status()), *environment.err, session.err_look());
}

}  // namespace fusor::client
