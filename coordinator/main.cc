// fusord, the coordinator: the command line picks what to run.

#include <iostream>

#include "coordinator/server/commands.h"
#include "coordinator/server/options.h"

namespace {

struct Runner {
  int operator()(const fusor::ServeOptions& options) const { return fusor::RunServe(options); }
  int operator()(const fusor::BackupOptions& options) const { return fusor::RunBackup(options); }
  int operator()(const fusor::RestoreOptions& options) const { return fusor::RunRestore(options); }
  int operator()(const fusor::VerifyOptions& options) const { return fusor::RunVerify(options); }
  int operator()(const fusor::PlanOptions& options) const { return fusor::RunPlan(options); }
  int operator()(const fusor::Nothing&) const { return 0; }
};

}  // namespace

int main(int argc, char** argv) {
  const fusor::Result<fusor::Command> command = fusor::ParseCommandLine(argc, argv);
  if (!command.ok()) {
    std::cerr << "fusord: " << command.status().message() << std::endl;
    return 2;
  }
  return std::visit(Runner{}, *command);
}
