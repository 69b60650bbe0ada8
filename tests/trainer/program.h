#pragma once

// fusor-train as people start it.

#include <string>

#include "tests/trainer/agent.h"

namespace fusor::testing {

struct Ran {
  int status = 0;      // -1: ended by a signal
  std::string output;  // of both streams
};

// Runs it in this directory, to its end; its output goes through a file of `root`.
Ran RunProgram(const TemporaryDirectory& root, const std::string& arguments);

}  // namespace fusor::testing
