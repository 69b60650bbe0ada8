#pragma once

// One trial by hand: no agent, no network, the same code and the same results.

#include <span>

#include "trainer/process/host_info.h"

namespace fusor {

// `arguments` without the program's name; `describe ...` prints what a network is made of. Returns
// the exit status: 0, 1 failed, 2 bad input.
int RunStandalone(std::span<const char* const> arguments, const HostInfo& host);

}  // namespace fusor
