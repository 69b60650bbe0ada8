#pragma once

// Sums over the steps since the last evaluation: the loss, and what else the task tells of a step.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trainer/contract/reporter.h"

namespace fusor {

struct Averages {
  double loss = 0;
  std::vector<std::string> names;  // of `values`, in the task's order; kept over a restart
  std::vector<double> values;
  std::int64_t steps = 0;  // those with a finite loss

  // A step's numbers, the loss first.
  void Add(std::span<const Metric> step);
  // NaN of no steps: a table keeps its columns.
  std::vector<Metric> Means() const;
  void Restart();
};

}  // namespace fusor
