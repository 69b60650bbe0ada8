// fusor-worker: wires the agent and runs it.

#include <iostream>

#include "worker/app/runtime.h"

int main(int argc, char** argv) {
  using namespace fusor::agent;
  ParsedOptions parsed = ParseOptions(argc, argv);
  if (parsed.exit) return parsed.exit_code;
  const fusor::Status complete = CompleteOptions(parsed.options);
  if (!complete.ok()) {
    std::cerr << "fusor-worker: " << complete.message() << "\n";
    return 1;
  }
  const Log log(parsed.options.log_level);
  const auto runtime = Runtime::Create(parsed.options, log);
  if (!runtime.ok()) {
    std::cerr << "fusor-worker: " << runtime.status().message() << "\n";
    return 1;
  }
  return (*runtime)->Run() ? 0 : 1;
}
