#pragma once

// Which files the parts of a fusion begin with, found from what the configuration names: files,
// folders of parts made anywhere, runs of this program.

#include <string>
#include <vector>

#include "common/base/status.h"
#include "trainer/contract/job.h"

namespace fusor {

struct InitialFile {
  std::string path;
  std::string part;  // the tensors that it fills: "experts.2.", "fusion.", "global_head."
  bool must_be_fusion = false;  // it is to have all experts
};

struct InitialFiles {
  std::vector<InitialFile> files;
  std::vector<std::string> problems;  // each a file that is missing, or what is wrong with a list
};

InitialFiles FindInitial(const Job& job, std::size_t experts);

}  // namespace fusor
