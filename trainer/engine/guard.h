#pragma once

// Where exceptions of LibTorch and the standard library become outcomes.

#include <functional>

#include "common/base/outcome.h"

namespace fusor {

// Runs `body`; what it throws is told apart: memory of the host, memory of the device, anything
// else.
Outcome RunGuarded(const std::function<Outcome()>& body);

}  // namespace fusor
