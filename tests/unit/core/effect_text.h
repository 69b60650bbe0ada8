#pragma once

// Effects as lines of text, for the golden tests: every field that decides something.

#include <string>

#include "coordinator/core/effect.h"

namespace fusor {

std::string TextOf(const Write& write);
std::string TextOf(const Send& send);

}  // namespace fusor
