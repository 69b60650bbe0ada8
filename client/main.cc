// The `fusor` command: everything is in commands/.

#include <string>
#include <vector>

#include "client/commands/run.h"
#include "client/terminal/environment.h"
#include "client/terminal/signals.h"

int main(int argc, char** argv) {
  fusor::client::Signals signals;
  fusor::client::Environment environment = fusor::client::ProcessEnvironment(argv[0]);
  environment.signals = &signals;
  return fusor::client::RunFusor(std::vector<std::string>(argv + 1, argv + argc), environment);
}
