#pragma once

// How a command of the command line ends when it cannot do what it was told.

#include <functional>

#include "common/base/status.h"

namespace fusor {

inline constexpr int kExitBadInput = 2;

// Says why on standard error; the exit status.
int Refuse(const Status& status);

// Runs it; exceptions of LibTorch and a status that is not ok are told on standard error.
int RunCommand(const std::function<Status()>& command);

}  // namespace fusor
