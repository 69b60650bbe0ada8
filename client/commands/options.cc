#include "client/commands/options.h"

namespace fusor::client {

ArgumentSpec SweepArgument() {
  return {.name = "SWEEP",
          .help = "its number, `last`, or the beginning of its name",
          .completes = Completes::kSweep};
}

ArgumentSpec TrialArgument() {
  return {.name = "TRIAL",
          .help = "SWEEP.STAGE.INDEX, e.g. last.experts.3",
          .completes = Completes::kTrial};
}

ArgumentSpec SweepOrTrialsArgument() {
  return {.name = "SWEEP|TRIAL",
          .help = "a sweep, or trials like last.experts.3",
          .many = true,
          .completes = Completes::kSweepOrTrial};
}

ArgumentSpec FileArgument() {
  return {.name = "FILE",
          .help = "the sweep file; - reads standard input",
          .completes = Completes::kFile};
}

OptionSpec SetOption() {
  return {
      .name = "set",
      .takes = Takes::kText,
      .value_name = "KEY=VALUE",
      .help =
          "overrides a key of the file, e.g. --set stages.fusion.params.epochs=10; may be repeated",
      .repeatable = true};
}

OptionSpec RequestIdOption() {
  return {.name = "request-id",
          .takes = Takes::kText,
          .value_name = "ID",
          .help =
              "the same id with the same request acts once, however often it is sent (default: a "
              "random one)"};
}

OptionSpec WhereOption() {
  return {.name = "where",
          .takes = Takes::kText,
          .value_name = "FILTER",
          .help = "only what fits, e.g. --where precision=bf16,model=resnet"};
}

OptionSpec StageOption() {
  return {.name = "stage",
          .takes = Takes::kText,
          .value_name = "STAGE",
          .help = "only this stage; its name or the beginning of it"};
}

}  // namespace fusor::client
