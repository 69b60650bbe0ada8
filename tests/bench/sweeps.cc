#include "tests/bench/sweeps.h"

#include <cstdio>
#include <cstdlib>

namespace fusor::bench {

std::string Range(std::uint64_t count) {
  std::string list = "[1";
  for (std::uint64_t i = 2; i <= count; ++i) list += ", " + std::to_string(i);
  return list + "]";
}

std::string ProbeSweep(const std::string& name, std::uint64_t trials, int priority) {
  return "name: " + name + "\npriority: " + std::to_string(priority) +
         "\nobjective: {metric: val/accuracy, goal: maximize}\nstages:\n"
         "  s:\n    recipe: probe\n    params: {steps: 0}\n    axes: {batch_size: " +
         Range(100) + ", expert: " + Range(trials / 10'000) + ", matrix: " + Range(100) + "}\n";
}

void Abandon(const char* what) {
  std::fprintf(stderr, "%s did not come about in time\n", what);
  std::exit(1);
}

}  // namespace fusor::bench
