#pragma once

// fusor-train check RECIPE [--config FILE] key=value...
// Whether a configuration and the files that it names are good, without training or any data.

#include <span>

namespace fusor {

// The arguments behind `check`. The exit status: 0 all is well, 1 the lines printed say what is
// not, 2 bad input.
int RunCheck(std::span<const char* const> arguments);

}  // namespace fusor
