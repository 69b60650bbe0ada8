#pragma once

// How fast the trainer is on a CPU, side by side with Python's torch of the same version
// (tests/peers/bench.py in the environment of `make peers`).

#include <string_view>

#include "tests/bench/report.h"

namespace fusor::bench {

// `part`: networks, compile, fusion, slots, optimizer, augment, files; empty: all.
void RunTrainer(Report& report, std::string_view part);

}  // namespace fusor::bench
