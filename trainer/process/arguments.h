#pragma once

// The command line of one trial started by hand:
//   fusor-train RECIPE [--config FILE.yaml] key=value... [out=DIR] [threads=N] [device=cpu|cuda]
//   [data_dir=DIR]

#include <span>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "trainer/contract/job.h"

namespace fusor {

struct Standalone {
  Job job;
  std::string out;  // where the files go; equal configurations have equal defaults
};

// All problems in one message, one per line.
Result<Standalone> ParseArguments(std::span<const char* const> arguments);

// The arguments behind a name, over what is given already.
Result<Standalone> ParseSettings(const Recipe& recipe, ParamValues given,
                                 std::span<const char* const> arguments);

// What `fusor-train --help` prints.
std::string HelpText();
// `fusor-train RECIPE --help`: the parameters.
std::string RecipeHelpText(const Recipe& recipe);

}  // namespace fusor
