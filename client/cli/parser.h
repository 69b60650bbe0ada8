#pragma once

// Reads a command line against the declared commands. The only file that knows the parsing library.

#include <string>
#include <vector>

#include "client/cli/spec.h"
#include "common/base/status.h"

namespace fusor::client {

struct ParsedCommand {
  const CommandSpec* command = nullptr;  // null: print `help` and leave
  std::string help;
  Arguments arguments;
  GlobalOptions global;
};

// `words` is without the program's name. A refusal says what was wrong and which command's --help
// to read. The result points into `commands`.
Result<ParsedCommand> ParseCommandLine(const std::vector<CommandSpec>& commands,
                                       const std::vector<std::string>& words);

}  // namespace fusor::client
