#pragma once

// The job file: what a trial is told (docs/trainer_contract.md).

#include <filesystem>
#include <string>

#include "common/base/session.h"
#include "worker/process/devices.h"

namespace fusor::agent {

struct JobPlaces {
  std::filesystem::path input_directory;  // fetched files, named by their sha256
  std::string datasets_directory;         // may be empty
};

// How many threads the trial computes with: what its first attempt fixed, else its slot's
// processors.
int ThreadsOf(const StartMessage& start, const SlotPlan& slot);

// What the trial's environment adds to the agent's.
std::map<std::string, std::string> TrialEnvironment(const StartMessage& start,
                                                    const SlotPlan& slot);

std::string JobText(const StartMessage& start, const SlotPlan& slot, const JobPlaces& places);

}  // namespace fusor::agent
