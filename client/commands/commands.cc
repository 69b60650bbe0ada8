#include "client/commands/commands.h"

namespace fusor::client {

std::vector<CommandSpec> AllCommands() {
  return {SubmitCommand(),    PlanCommand(),    LocalCommand(),      LsCommand(),
          ShowCommand(),      TrialsCommand(),  TrialCommand(),      WatchCommand(),
          LogsCommand(),      MetricsCommand(), ResultsCommand(),    ExplainCommand(),
          CancelCommand(),    PauseCommand(),   ResumeCommand(),     RetryCommand(),
          SetCommand(),       ExtendCommand(),  RmCommand(),         BestCommand(),
          ArtifactsCommand(), GetCommand(),     DataCommand(),       WorkersCommand(),
          DrainCommand(),     RecipesCommand(), CompletionCommand(), VersionCommand()};
}

}  // namespace fusor::client
