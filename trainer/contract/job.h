#pragma once

// The job: what the agent tells a trial process (docs/trainer_contract.md).

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/recipe/recipe.h"

namespace fusor {

struct JobFile {
  std::string name;  // relative to the directory of the attempt that made it
  std::string path;  // where it lies now
};

struct JobResume {
  std::int64_t step = 0;
  std::vector<JobFile> files;
};

struct JobInput {
  std::string trial;
  std::vector<JobFile> files;
};

// Zero means never.
struct CheckpointPolicy {
  std::int64_t every_steps = 0;
  std::int64_t every_ms = 0;
};

struct Job {
  std::uint64_t attempt = 0;
  std::string trial;
  int number = 1;  // of the attempt within its trial
  std::string name;
  const Recipe* recipe = nullptr;
  Config config{{}};  // complete and checked; precision is the one to be used
  int threads = 1;
  std::vector<int> cpus;  // empty: not pinned
  std::string device = "cpu";
  std::string datasets_dir;
  std::optional<int> oom_score_adj;
  std::optional<JobResume> resume;
  std::vector<JobInput> inputs;
  CheckpointPolicy checkpoint;
  // How a trained model's inputs were normalised; empty: as the training images ask for.
  std::string pixels;
  int rank = 0;
  int world = 1;
  std::map<std::string, std::string> env;
};

// Reads the text of a job file; `config` is checked against the catalogue.
Result<Job> ParseJob(std::string_view text);

// Parameters from the text of a JSON object, not yet checked.
Result<ParamValues> ParseParams(const Recipe& recipe, std::string_view text);

}  // namespace fusor
