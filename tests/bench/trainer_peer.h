#pragma once

// Python's side of the trainer's benchmark.

#include <optional>
#include <string>

namespace fusor::bench {

// The interpreter of the environment that `make peers` makes for torch; none where it was not made.
std::optional<std::string> PeerPython();

// What `bench.py ARGUMENTS` prints last; none, and told on standard error, when it fails.
std::optional<double> AskPeer(const std::string& python, const std::string& arguments);

}  // namespace fusor::bench
