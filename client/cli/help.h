#pragma once

// Help texts, made from the declared commands.

#include <string>
#include <vector>

#include "client/cli/spec.h"

namespace fusor::client {

// The list of all commands by topic.
std::string OverviewText(const std::vector<CommandSpec>& commands);

// Usage, arguments, options and notes of one command.
std::string HelpText(const CommandSpec& command);

}  // namespace fusor::client
