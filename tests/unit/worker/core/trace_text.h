#pragma once

// The agent's effects as text, one per line, for golden traces.

#include <string>
#include <vector>

#include "worker/core/effect.h"

namespace fusor::agent {

std::string Text(TaskKey task);
std::vector<std::string> Lines(const Effects& effects);

}  // namespace fusor::agent
