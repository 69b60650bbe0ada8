#pragma once

// Options and arguments that several commands share.

#include "client/cli/spec.h"

namespace fusor::client {

ArgumentSpec SweepArgument();
ArgumentSpec TrialArgument();
ArgumentSpec SweepOrTrialsArgument();
ArgumentSpec FileArgument();
OptionSpec SetOption();
OptionSpec RequestIdOption();
OptionSpec WhereOption();
OptionSpec StageOption();

}  // namespace fusor::client
