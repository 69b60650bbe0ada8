#pragma once

// What a person says to the worker.

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/session.h"
#include "common/base/status.h"
#include "worker/process/devices.h"

namespace fusor::agent {

struct WorkerOptions {
  std::string coordinator;  // HOST:PORT
  std::filesystem::path token_file;
  std::filesystem::path data = "./fusor-worker";
  std::filesystem::path datasets;
  bool auto_fetch = false;
  std::string fetch_from;  // a mirror for it
  std::string name;        // empty = the host's
  DeviceKind device = DeviceKind::kAuto;
  int slots = 0;                        // 0 = auto
  double memory_gib = 0;                // 0 = nine tenths of the machine's
  std::vector<std::string> precisions;  // empty = by device
  Labels labels;
  std::filesystem::path trainer;        // empty = fusor-train beside this program
  std::filesystem::path trial_program;  // instead of the trainer's template: started for each trial
  double cache_gib = 20;
  double spool_gib = 4;
  double checkpoint_grace_seconds = 60;
  std::string log_level = "info";
};

// Reads the command line. An error's message is what the person should see; kOk and nothing to do
// (--help) is told apart by `exit`.
struct ParsedOptions {
  WorkerOptions options;
  bool exit = false;
  int exit_code = 0;
};
ParsedOptions ParseOptions(int argc, char** argv);

// Fills in what was left out: the coordinator's address and token from FUSOR_HOME, the trainer
// beside the program; makes paths absolute.
Status CompleteOptions(WorkerOptions& options);

}  // namespace fusor::agent
