#pragma once

// Every command's declaration, each made in the file of its name, and the list of them.

#include <vector>

#include "client/cli/spec.h"

namespace fusor::client {

CommandSpec SubmitCommand();
CommandSpec PlanCommand();
CommandSpec LocalCommand();

CommandSpec LsCommand();
CommandSpec ShowCommand();
CommandSpec TrialsCommand();
CommandSpec TrialCommand();
CommandSpec WatchCommand();
CommandSpec LogsCommand();
CommandSpec MetricsCommand();
CommandSpec ResultsCommand();
CommandSpec ExplainCommand();

CommandSpec CancelCommand();
CommandSpec PauseCommand();
CommandSpec ResumeCommand();
CommandSpec RetryCommand();
CommandSpec SetCommand();
CommandSpec ExtendCommand();
CommandSpec RmCommand();

CommandSpec BestCommand();
CommandSpec ArtifactsCommand();
CommandSpec GetCommand();
CommandSpec DataCommand();

CommandSpec WorkersCommand();
CommandSpec DrainCommand();

CommandSpec RecipesCommand();
CommandSpec CompletionCommand();
CommandSpec VersionCommand();

// In the order of the help.
std::vector<CommandSpec> AllCommands();

}  // namespace fusor::client
