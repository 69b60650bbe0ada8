#pragma once

// Two ways for a trial to come to be: forked from the template, or as a program of its own.

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "worker/system/unique_fd.h"

namespace fusor::agent {

// The trial's ends of its pipes.
struct TrialEnds {
  UniqueFd facts;
  UniqueFd commands;
  UniqueFd out;
  UniqueFd err;
};

struct SpawnRequest {
  std::filesystem::path job_file;  // in the directory where the trial starts
  std::uint64_t data_limit_bytes =
      0;                  // what it may allocate beyond the program itself; 0 = no limit
  std::vector<int> cpus;  // empty = all of the agent's
  std::map<std::string, std::string> env;
  TrialEnds ends;
};

class Spawner {
 public:
  // The process is the leader of a group of its own and a child of the agent.
  using Answer = std::function<void(Result<pid_t>)>;

  virtual ~Spawner() = default;
  virtual void Spawn(SpawnRequest request, Answer answer) = 0;
};

}  // namespace fusor::agent
