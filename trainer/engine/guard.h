#pragma once

// Where exceptions of LibTorch and the standard library, and what went wrong, become outcomes.

#include <functional>
#include <string>

#include "common/base/outcome.h"
#include "common/base/status.h"

namespace fusor {

// Runs `body`; what it throws is told apart: memory of the host, memory of the device, anything
// else.
Outcome RunGuarded(const std::function<Outcome()>& body);

Outcome Failed(Failure failure, std::string detail);
Outcome Crashed(const Status& status);
// As that, but damaged or missing input is the data's fault, and not tried again.
Outcome FailedBy(const Status& status);

}  // namespace fusor
