#pragma once

// The files that trials of a sweep begin with, as its parameters name them. Where they lie only the
// workers know: whoever can see them checks them.

#include <string>
#include <vector>

#include "coordinator/core/spec.h"

namespace fusor {

struct FileCheck {
  std::string stage;
  std::string recipe;
  ParamValues values;              // those that name files and say what must be in them
  std::vector<std::string> paths;  // absolute, in the values' order
};

// One for each different set of such values that trials have; of very many the first ones.
std::vector<FileCheck> FileChecksOf(const SweepSpec& sweep);

}  // namespace fusor
