#pragma once

// Completion scripts for shells, made from the declared commands.

#include <string>
#include <string_view>
#include <vector>

#include "client/cli/spec.h"
#include "common/base/status.h"

namespace fusor::client {

// `shell`: bash, zsh or fish.
Result<std::string> CompletionScript(const std::vector<CommandSpec>& commands,
                                     std::string_view shell);

}  // namespace fusor::client
