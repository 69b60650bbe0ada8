// fusor-train: the trainer. As the template of an agent's trial processes, as one trial of an
// agent, or alone: one trial, no network.

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "common/recipe/recipe.h"
#include "trainer/cuda/loader.h"
#include "trainer/process/host_info.h"
#include "trainer/process/run_trial.h"
#include "trainer/process/standalone.h"
#include "trainer/process/template.h"

namespace {

int RunTemplate(const fusor::HostInfo& host) {
  fusor::TemplateOptions options;
  options.program = host.program;
  options.libtorch = host.libtorch;
  // Made once, before there are trials: they share it.
  fusor::Catalogue();
  // Loading calls nothing of CUDA itself, so that trials can still be forked.
  if (fusor::CountGpus() > 0) {
    auto plugin = fusor::LoadCudaPlugin();
    if (plugin.ok()) options.cuda = (*plugin)->Version();
    if (!plugin.ok()) std::fprintf(stderr, "fusor-train: %s\n", plugin.status().message().c_str());
  }
  options.run = [&host](const std::string& job_path) {
    setenv("FUSOR_JOB", job_path.c_str(), 1);
    return fusor::RunJob(job_path, host);
  };
  return fusor::ServeTemplate(options);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const fusor::HostInfo host = fusor::ReadHostInfo();
  const char* job = std::getenv("FUSOR_JOB");
  int status = 0;
  if (argc == 2 && std::string_view(argv[1]) == "--template") {
    status = RunTemplate(host);
  } else if (argc == 1 && job != nullptr) {
    status = fusor::RunJob(job, host);
  } else {
    std::span<const char* const> arguments(argv + 1, argv + argc);
    status = fusor::RunStandalone(arguments, host);
  }
  // Leaving by exit() costs 130 ms of LibTorch's own clearing up.
  std::fflush(nullptr);
  _exit(status);
}
