#pragma once

// The newest checkpoint of a run without an agent: hard links in resume/STEP/, so that files which
// the run replaces afterwards stay what they were at the checkpoint.

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "common/base/status.h"
#include "trainer/contract/job.h"

namespace fusor {

// Keeps these files (relative to the current directory) and drops the checkpoint before.
Status KeepCheckpoint(std::int64_t step, std::span<const std::string> files);

// A run that is over needs none.
void DropCheckpoints();

// The newest checkpoint below the current directory.
std::optional<JobResume> FindKeptCheckpoint();

}  // namespace fusor
