#pragma once

// A whole run of `fusor` in a given environment: the words in, the exit code out.

#include <string>
#include <vector>

#include "client/terminal/environment.h"

namespace fusor::client {

int RunFusor(const std::vector<std::string>& words, const Environment& environment);

}  // namespace fusor::client
