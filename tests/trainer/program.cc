#include "tests/trainer/program.h"

#include <sys/wait.h>

#include <cstdlib>

namespace fusor::testing {

Ran RunProgram(const TemporaryDirectory& root, const std::string& arguments) {
  const std::string output = root.path() + "/output";
  const std::string command = std::string(FUSOR_TRAIN) + " " + arguments + " >" + output + " 2>&1";
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, ReadAll(output)};
}

}  // namespace fusor::testing
