#pragma once

// What this machine found out about the files that trials of a sweep begin with. Workers may see
// others.

#include <string>
#include <vector>

namespace fusor::client {

struct FileReport {
  struct Problem {
    std::string stage;
    std::string text;  // the file and what is wrong with it
  };
  bool any = false;               // the sweep names files
  bool contents = false;          // they were looked into
  std::vector<Problem> problems;  // each once
};

}  // namespace fusor::client
