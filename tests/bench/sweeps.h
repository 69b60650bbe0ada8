#pragma once

// The sweeps that benchmarks submit.

#include <cstdint>
#include <string>

namespace fusor::bench {

// "[1, 2, ..., count]"
std::string Range(std::uint64_t count);

// A grid of that many probes; a multiple of 10,000.
std::string ProbeSweep(const std::string& name, std::uint64_t trials, int priority);

// Says what did not come about in time, and stops the benchmark.
[[noreturn]] void Abandon(const char* what);

}  // namespace fusor::bench
